"""The page's sentences, one ending after the other."""

from pathlib import Path
from typing import Any

import pytest
import run_folders
from pages import words as words_of_page

from firemarshal.reports import answers, losses, story, telling, words

Json = dict[str, Any]
LOSS = {"kind": "loss", "acknowledged": 1390, "look_back_us": 3_500_000, "in_doubt": 2}


def drill(tmp_path: Path, lost: int = 0, **judged: Any) -> story.Drill:
    """A drill with one promise, judged so, and a loss that was counted."""
    compiled = run_folders.compiled()
    (promise,) = compiled["promises"]
    names = promise.keys() & judged.keys()
    promise |= {name: judged.pop(name) for name in names}
    folder = run_folders.run(tmp_path, [compiled]) / "01-drill"
    lines = run_folders.events(compiled)
    lines[13:13] = [{"event": "measured", "lost": lost, **LOSS}]
    (folder / "journal.jsonl").write_bytes(run_folders.journal(lines))
    (one,) = story.read_run(folder.parent).drills
    one.result["promises"][0] |= judged
    return one


RTO: Json = {"kind": "rto", "unit": "us", "limit": 5_000_000, "clause_limit": 5_000_000}
LOST: Json = {"kind": "lost", "unit": "writes", "limit": 0, "clause_limit": 0, "clause": "K"}
RPO: Json = {"kind": "rpo", "unit": "us", "limit": 0, "clause_limit": 0}


@pytest.mark.parametrize(
    ("judged", "lost", "said"),
    [
        (
            RTO | {"lower": 6_000_000, "upper": 6_100_000, "verdict": "missed"},
            0,
            'Writes were back only 6.000 to 6.100 s after the primary of "orders" was killed; '
            "the plan promises 5 s.",
        ),
        (
            RTO | {"lower": 9_000_000, "upper": None, "verdict": "missed"},
            0,
            'Writes were not back 9.000 s after the primary of "orders" was killed (still down); '
            "the plan promises 5 s.",
        ),
        (
            RTO | {"verdict": "unknown", "reason": "too close to call: 4.9 to 5.2 s of 5 s"},
            0,
            "Nobody can say whether the promise holds: too close to call: 4.9 to 5.2 s of 5 s "
            '(after the primary of "orders" was killed).',
        ),
        (
            RTO | {"limit": 1_000_000, "text": "pages load again"},
            0,
            "Customers were served again 1.990 to 2.000 s after the primary of "
            '"orders" was killed; the drill demands 1 s, the plan 5 s.',
        ),
        (
            LOST | {"lower": 0, "upper": 0},
            0,
            "None of 1,390 acknowledged writes were lost (looking back 3.500 s); "
            "the plan allows 0 writes.",
        ),
        (
            RPO | {"lower": 900_000, "upper": 1_000_000, "verdict": "missed"},
            1,
            "1 of 1,390 acknowledged writes was lost (looking back 3.500 s), 0.900 to 1.000 s of "
            "work; the plan allows 0 s.",
        ),
        (
            LOST | {"lower": 7, "upper": 7, "verdict": "missed", "clause": ""},
            7,
            "7 of 1,390 acknowledged writes were lost (looking back 3.500 s); "
            "the drill demands no loss (0 writes).",
        ),
    ],
)
def test_what_happened_and_what_was_promised(
    tmp_path: Path, judged: Json, lost: int, said: str
) -> None:
    assert telling.sentence(drill(tmp_path, lost, **judged)) == said


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (RTO | {"lower": 1, "upper": 4_000_000}, "20.0 % (1.000 s)"),
        (RTO | {"lower": 6_000_000, "upper": None, "verdict": "missed"}, "over by 1.000 s or more"),
        (RTO | {"verdict": "unknown"}, "not known"),
        (LOST | {"lower": 0, "upper": 0}, "none needed"),
        (LOST | {"limit": 10, "lower": 4, "upper": 4}, "60.0 % (6)"),
    ],
)
def test_the_margin_is_of_the_worst_end(tmp_path: Path, judged: Json, said: str) -> None:
    (promise,) = drill(tmp_path, **judged).promises
    assert telling.margin(promise) == said


def test_a_lab_forgives_what_was_not_run_and_says_so(tmp_path: Path) -> None:
    why = {"code": "no-fault-for-kind", "why": "none"}
    drills = [run_folders.compiled("A"), run_folders.compiled("B", not_run=why)]
    run = story.read_run(run_folders.run(tmp_path, drills))
    assert telling.headline(run)[:2] == ("✓", "PASSED, 1 NOT RUN")
    assert answers.counts(run) == "2 drills: 1 PASSED, 1 NOT RUN."


def test_durations_far_below_a_second_keep_their_digits() -> None:
    assert words.fine(90) == "0.1 ms"
    assert words.fine(1_500_000) == "1.500 s"


def test_of_several_drills_the_closest_call_is_told(tmp_path: Path) -> None:
    near = run_folders.compiled("B")
    near["promises"][0] |= {"limit": 2_100_000, "clause_limit": 2_100_000}
    run = story.read_run(run_folders.run(tmp_path, [run_folders.compiled("A"), near]))
    sign, verdict, said = telling.headline(run)
    assert (sign, verdict) == ("✓", "PASSED")
    assert said == (
        "All 2 promises of 2 drills were kept. The closest call: writes were back 1.990 to "
        '2.000 s after the primary of "orders" was killed; the plan promises 2.100 s.'
    )


def test_several_bad_ends_are_counted_and_the_worst_is_named(tmp_path: Path) -> None:
    run = story.read_run(run_folders.run(tmp_path, [run_folders.compiled(one) for one in "ABC"]))
    for one, verdict in zip(run.drills, ("INVALID", "PASSED", "FAILED"), strict=True):
        one.result.update(verdict=verdict, as_expected=verdict == "PASSED")
    assert telling.headline(run)[1:] == (
        "FAILED",
        "2 of 3 drills did not come out as they must. 'C': Writes were back 1.990 to 2.000 s "
        'after the primary of "orders" was killed; the plan promises 5 min.',
    )


def test_customers_who_noticed_nothing_were_not_brought_back(tmp_path: Path) -> None:
    compiled = run_folders.compiled()
    folder = run_folders.run(tmp_path, [compiled])
    quiet = {**run_folders.recovered(), "bad": 0, "first_bad_us": None, "first_error_us": None}
    lines = [
        one | quiet if one["event"] == "measured" else one for one in run_folders.events(compiled)
    ]
    (folder / "01-drill/journal.jsonl").write_bytes(run_folders.journal(lines))
    (one,) = story.read_run(folder).drills
    assert telling.gone(one) == ["served as before"]
    assert telling.gone(drill(tmp_path / "lost", 7)) == ["1.990 to 2.000 s", "7 writes lost"]
    assert telling.sentence(one) == (
        'Writes went on as before when the primary of "orders" was killed; the plan promises 5 min.'
    )


def test_guards_and_rehearsals_have_words() -> None:
    head = {"seq": 7, "fault": "postgres.kill_primary"}
    then = "2026-11-21T16:00:00.000000Z"
    told = [
        words.in_words({"event": "guard", "name": "freeze windows", "no": ""}),
        words.in_words({"event": "guard", "name": "blast radius", "no": "2 of 2 members"}),
        words.in_words({"event": "not as rehearsed", **head, "why": "announced a, now b"}),
        words.in_words({"event": "as rehearsed", **head, "rehearsed": then, "why": ""}),
    ]
    assert told == [
        "guard 'freeze windows': nothing against it",
        "guard 'blast radius': no: 2 of 2 members",
        "postgres.kill_primary, not as rehearsed: announced a, now b",
        f"postgres.kill_primary meets the victims rehearsed {then}",
    ]


def test_losses_are_told_in_their_groups(tmp_path: Path) -> None:
    one = drill(tmp_path, 7)
    line = one.first("measured", kind="loss")
    assert line is not None
    groups = {"lost_before": 4, "lost_during": 2, "lost_after_heal": 1, "late": 3}
    assert losses.rows(line | groups)[2:5] == [
        ("lost, acknowledged before the fault", "of these before the fault", 4),
        ("lost, acknowledged during it", "during it", 2),
        ("lost, acknowledged after our healing began", "after our healing began", 1),
    ]
    text = words_of_page(tmp_path / "20261121T160000Z-aaaa")
    assert "what survived, looking back 3.500 s before the fault (line 14)" in text
    assert "Acknowledged Lost In doubt 1,390 7 2" in text
