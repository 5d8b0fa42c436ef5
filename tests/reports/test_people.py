"""What people did: every step with its clock, and a false claim of success before all else."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import orjson
import run_folders
from pages import words
from run_folders import T0_US
from schemas import SCHEMA, problems

from firemarshal.reports import allure, allure_sides, html, people, rebuild, story, telling
from firemarshal.reports.words import measured

Json = dict[str, Any]
SECOND = 1_000_000
NAME = "promote the standby by hand"


def promise(kind: str, unit: str, limit: int, text: str, **judged: Any) -> Json:
    """A promise that the drill made, with its judgement."""
    made = {"id": f"{kind}-1", "step": 1, "kind": kind, "limit": limit, "unit": unit, "text": text}
    met = {"lower": 0, "upper": 0, "verdict": "met", "reason": "as promised", "note": ""}
    clause = {"system": "orders", "clause": "", "clause_limit": None, "clock": "fault"}
    return made | clause | met | {"seq": 15, "endpoint": "client"} | judged


def step(name: str, kind: str, begun_s: float, ended_s: float, **changes: Any) -> Json:
    """A step of the runbook, in seconds after the fault; 0 was never begun."""
    moments = [T0_US + int(at * SECOND) if at else 0 for at in (begun_s, ended_s)]
    return {
        "id": name,
        "kind": kind,
        "owner": "incident lead",
        "text": f"Do {name}",
        "deadline_us": 5 * SECOND,
        "begun_us": moments[0],
        "ended_us": moments[1],
        "outcome": "done",
        "answer": "exit 0",
        "seq": 12,
    } | changes


def runbook(**changes: Any) -> Json:
    """A runbook that said success: a decision of 1.2 s, a late command, one never begun."""
    return {
        "name": NAME,
        "kind": "runbook",
        "system": "orders",
        "claimed": "success",
        "why": "",
        "begun_us": T0_US + SECOND // 2,
        "ended_us": T0_US + 5 * SECOND,
        "steps": [
            step("decide", "human", 0.5, 1.7, answer="confirmed by Kim"),
            step("promote", "command", 1.7, 4.9, outcome="late", owner=""),
            step("tell", "http", 0, 0, outcome="not begun", answer="", seq=0),
        ],
    } | changes


def left(tmp_path: Path, claim: str = "met", *, control: Json | None = None, **said: Any) -> Path:
    """A run in which people followed a runbook; `claim` is what became of its word."""
    book = {"about": "as the plan has it", "sha256": "e" * 64, "steps": [{}]}
    compiled = run_folders.compiled(control=control, runbooks={NAME: book})
    wrong = claim == "missed"
    kept = {"verdict": claim, "lower": int(wrong), "upper": int(wrong)}
    made = [
        promise("claim", "false claims", 0, "success is claimed only if true", of=NAME, **kept),
        promise("step", "us", 5 * SECOND, "Do decide", lower=1_200_000, upper=1_200_000),
        promise("recovery", "us", 60 * SECOND, "it is proved", lower=8 * SECOND, upper=9 * SECOND),
    ]
    compiled["promises"] += made
    folder = run_folders.run(tmp_path, [compiled])
    path = folder / "01-drill/verdict.json"
    verdict = orjson.loads(path.read_bytes())
    verdict["promises"] = [verdict["promises"][0], *made]
    verdict["recoveries"] = [runbook(**said)]
    if wrong:
        verdict |= {"verdict": "FAILED", "as_expected": control is not None}
    path.write_bytes(orjson.dumps(verdict))
    return folder


def read(folder: Path) -> story.Drill:
    return story.read_run(folder).drills[0]


def test_every_step_stands_with_owner_clock_deadline_and_answer(tmp_path: Path) -> None:
    text = words(left(tmp_path))
    section = text[text.index("What people did") :]
    for said in (
        "It said success; clients agreed.",
        f"As the plan has it. File of the runbook: {'e' * 64}.",
        "a name is what was typed",
        "In a lab a stand-in may have answered",
        "It began 500.0 ms after T0 and took 4.500 s: 1.200 s waiting for people to decide, 3.3",
        "1. Do decide a person incident lead +500.0 ms 1.200 s 5 s ✓ done confirmed by Kim line 12",
        "2. Do promote a command nobody named +1.700 s 3.200 s 5 s ✗ late exit 0 line 12",
        "3. Do tell a request incident lead 5 s ○ not begun",
    ):
        assert said in section.replace("\xa0", " "), said


def test_a_false_claim_comes_first(tmp_path: Path) -> None:
    text = words(left(tmp_path, "missed"))
    first = text[: text.index("Promises, one by one")]
    sentence = f"The runbook {NAME!r} said success; clients disagreed."
    assert f"✗ FAILED {sentence} Writes were back" in first
    assert first.count(sentence) == 1
    assert "1 false claim" in text
    assert "It said success; clients disagreed." in text


def test_a_control_that_must_bring_a_false_claim_is_no_alarm(tmp_path: Path) -> None:
    control = {"verdict": "FAILED", "objective": "claim", "least": 1}
    folder = left(tmp_path, "missed", control=control)
    assert f"{NAME!r} said success" not in words(folder).partition("Promises, one by one")[0]
    assert people.disputed(read(folder))


def test_a_false_claim_stands_out_behind_worse_news_too(tmp_path: Path) -> None:
    folder = left(tmp_path, "missed")
    path = folder / "01-drill/verdict.json"
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | {"verdict": "ABORTED"}))
    assert 'class="alarms"' in html.write(folder).read_text()


def test_whoever_claims_nothing_cannot_be_disputed(tmp_path: Path) -> None:
    for number, (said, told) in enumerate(
        (
            ("failed", "It said itself that it failed."),
            ("", "It said nothing of its success."),
        )
    ):
        one = read(left(tmp_path / str(number), "missed", claimed=said))
        assert people.contradiction(one) == ""
        assert people.claim(one, one.recoveries[0]) == told


def test_where_a_runbook_stopped_is_told_in_one_sentence(tmp_path: Path) -> None:
    failed = step("promote", "command", 1.7, 2.2, outcome="failed", answer="exit 3")
    steps = [step("decide", "human", 0.5, 1.7), failed, step("tell", "http", 0, 0, outcome="x")]
    folder = left(tmp_path, "unknown", claimed="failed", why="step promote failed", steps=steps)
    said = f"The runbook {NAME!r} ended at step 'promote' (incident lead): failed, exit 3."
    one = read(folder)
    assert people.stopped(one) == said
    assert telling.sentence(one).startswith(f"{said} Writes were back")
    first = words(folder).partition("Promises, one by one")[0]
    assert "Questions to people were open for 1.200 s in all." in first


def test_a_recovery_without_steps_says_itself_why(tmp_path: Path) -> None:
    said = {"kind": "recovery", "steps": [], "claimed": "failed", "why": "not proved in time"}
    one = read(left(tmp_path, **said))
    assert people.stopped(one) == f"The recovery {NAME!r} came to nothing: not proved in time."


def test_a_step_that_was_not_done_has_no_margin() -> None:
    missed = promise("step", "us", 5 * SECOND, "Do it", lower=553_000, upper=None, verdict="missed")
    assert measured(missed) == "not done after 0.553 s"
    assert telling.margin(missed) == "none: never done"
    assert measured(missed | {"lower": 0}) == "not begun"


def test_an_unjudged_claim_is_doubted(tmp_path: Path) -> None:
    one = read(left(tmp_path, "unknown"))
    assert people.of(one)[0]["tone"] == "doubt"
    assert "not judged" in people.claim(one, one.recoveries[0])


def test_the_recovery_is_told_in_the_headline(tmp_path: Path) -> None:
    text = words(left(tmp_path))
    assert "The recovery was proved 8.000 to 9.000 s after the fault; the drill demands" in text


def test_steps_stand_as_bars_between_the_moments(tmp_path: Path) -> None:
    page = html.write(left(tmp_path)).read_text()
    assert page.count('class="bar person"') == 1
    assert page.count('class="bar runbook"') == 1
    assert f"{NAME}: begins, +500.0 ms" in page
    assert f"{NAME}: says success, +5.000 s" in page


def test_half_of_a_recovery_is_told_as_far_as_it_goes(tmp_path: Path) -> None:
    cut = step("decide", "human", 0.5, 0, outcome="failed", owner=None)
    folder = left(tmp_path, claimed="", why="stopped by a signal", steps=[cut, {"id": "x"}])
    assert people.deciding_us(read(folder).recoveries[0]) == 4_500_000
    assert "Stopped by a signal." in words(folder)
    never = left(tmp_path / "never", claimed="", steps=None, begun_us=0, ended_us=0)
    assert "It was never begun." in words(never)


def test_a_killed_keeper_leaves_what_its_journal_says_of_a_runbook(tmp_path: Path) -> None:
    folder = left(tmp_path)
    (folder / "01-drill/verdict.json").unlink()
    compiled = orjson.loads((folder / "run.json").read_bytes())["drills"][0]["drill"]
    begins = {"event": "recovery begins", "recovery": NAME, "at": T0_US + SECOND}
    done = step("decide", "human", 1, 2, answer="confirmed by Kim")
    ended = {"event": "step ended", "runbook": NAME, **done}
    lines = [*run_folders.events(compiled)[:11], begins, ended]
    (folder / "01-drill/journal.jsonl").write_bytes(run_folders.journal(lines))
    text = words(folder)
    assert "It said nothing of its success. The journal ends before it did." in text
    assert "1. Do decide a person incident lead +1.000 s 1.000 s 5 s" in text.replace("\xa0", " ")


def test_summary_holds_them_as_its_schema_says(tmp_path: Path) -> None:
    folder = left(tmp_path)
    rebuild.rebuild(folder)
    summary = orjson.loads((folder / "summary.json").read_bytes())
    assert problems(summary, SCHEMA) == []
    (told,) = summary["drills"][0]["recoveries"]
    assert [one["outcome"] for one in told["steps"]] == ["done", "late", "not begun"]


def test_allure_has_them_as_steps_and_as_a_table(tmp_path: Path) -> None:
    into = tmp_path / "allure"
    allure.write(left(tmp_path, "missed"), into)
    (path,) = into.glob("*-result.json")
    result = json.loads(path.read_bytes())
    category = next(one for one in allure_sides.CATEGORIES if one[0].startswith("Success"))
    assert re.fullmatch(category[2], result["statusDetails"]["message"])
    told = next(one for one in result["steps"] if one["name"].startswith("Runbook"))
    assert (told["name"], told["status"]) == (
        f"Runbook {NAME!r}: It said success; clients disagreed.",
        "failed",
    )
    assert [(one["status"], one["stop"] - one["start"]) for one in told["steps"]] == [
        ("passed", 1200),
        ("failed", 3200),
        ("skipped", 0),
    ]
    assert "[incident lead, done]: confirmed by Kim (line 12)" in told["steps"][0]["name"]
    (source,) = [one["source"] for one in result["attachments"] if one["name"] == "What people did"]
    rows = list(csv.reader((into / source).read_text().splitlines()))
    assert rows[2][:4] == [NAME, "Do decide", "incident lead", "a person"]


def test_without_a_disaster_the_recovery_is_where_time_begins(tmp_path: Path) -> None:
    folder = left(tmp_path, begun_us=T0_US - 400)
    compiled = orjson.loads((folder / "run.json").read_bytes())["drills"][0]["drill"]
    lines = [
        one | {"event": "clock starts"} if one["event"] == "disaster" else one
        for one in run_folders.events(compiled)
    ]
    (folder / "01-drill/journal.jsonl").write_bytes(run_folders.journal(lines))
    assert read(folder).t0 == (T0_US - 400, T0_US)
    text = words(folder)
    for said in (
        "the recovery begins, T0",
        "time since the recovery",
        "from the recovery until customers were back",
        "The recovery was proved 8.000 to 9.000 s after it began",
        "Moment or step After the recovery",
        "lines before the recovery",
    ):
        assert said in text, said
    assert f"{NAME}: begins" not in text
    assert "the fault strikes" not in text
