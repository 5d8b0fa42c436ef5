"""One page a run: complete, self-contained, the same bytes again, and right for half a run."""

import re
import shutil
from difflib import unified_diff
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import orjson
import run_folders
from pages import page, words
from toy_project import ToyProject

from firemarshal.reports import beside, html, rebuild, story

NASTY = "주 서버 \"죽음\" <script>alert('x')</script> & 'co' {{ 7 * 7 }}"


def test_the_first_screen_says_what_was_promised_and_what_happened(tmp_path: Path) -> None:
    text = words(run_folders.run(tmp_path))
    first = text[: text.index("Promises, one by one")]
    assert "✓ PASSED" in first
    assert (
        'Writes were back 1.990 to 2.000 s after the primary of "orders" was killed; '
        "the plan promises 5 min." in first
    )
    assert "✓ Clean: healthy, but changed: orders: leader: orders-1 → orders-2" in first
    for said in (
        "99.3 % (4 min 58 s)",
        "line 15",
        "orders-2 was promoted",
        "gone: 11",
        run_folders.RULE,
        "restart it",
        "before the fault",
        "The system was a lab",
    ):
        assert said in text, said


def test_it_has_the_same_bytes_wherever_and_whenever_it_is_made(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path / "one")
    beside.keep(folder, [])
    first = html.write(folder).read_bytes()
    assert html.write(folder).read_bytes() == first
    other = tmp_path / "two" / folder.name
    shutil.copytree(folder, other)
    assert html.write(other).read_bytes() == first
    assert str(tmp_path).encode() not in first


def test_it_needs_no_network_and_no_script(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path)
    found = page(folder)
    text = (folder / html.NAME).read_text()
    assert "script" not in found.tags
    assert not found.loads
    assert all(one.startswith("#") for one in found.links)
    assert "@import" not in text
    assert "url(" not in text
    assert set(re.findall(r"https?://[^\s\"<]+", text)) == {"http://www.w3.org/2000/svg"}


def test_every_link_has_its_target_and_every_id_stands_once(tmp_path: Path) -> None:
    found = page(run_folders.run(tmp_path, [run_folders.compiled(), run_folders.compiled("B")]))
    assert len(found.ids) == len(set(found.ids))
    assert {one[1:] for one in found.links} <= set(found.ids)


def test_landmarks_headings_and_tables_serve_a_screen_reader(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path)
    found = page(folder)
    text = (folder / html.NAME).read_text()
    assert found.tags.count("main") == found.tags.count("h1") == 1
    assert found.tags.count("title") == 1 + found.tags.count("svg")
    assert found.tags.count("desc") == found.tags.count("svg") > 0
    assert found.tags.count("table") == found.tags.count("thead") > 0
    roles = [value for name, value in found.facts if name == "role"]
    assert roles.count("rowheader") > roles.count("table") > 0
    assert '<html lang="en">' in text
    levels = [int(one[1]) for one in found.tags if re.fullmatch(r"h[1-6]", one)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_nothing_that_a_name_holds_becomes_markup(tmp_path: Path) -> None:
    drill = run_folders.compiled(NASTY, clauses=["DS-1a"], row=NASTY, tags=[NASTY])
    drill["steps"][0]["text"] = NASTY
    drill["promises"][0]["text"] = NASTY
    folder = run_folders.run(tmp_path, [drill])
    found = page(folder)
    text = (folder / html.NAME).read_text(encoding="utf-8")
    assert "script" not in found.tags
    assert "<script" not in text
    assert f"1. {NASTY} [{NASTY}]" in " ".join(found.words.split())
    assert "49" not in found.words.split("The scenario")[1][:300]


def test_a_run_cut_anywhere_still_gives_a_page_that_says_so(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path)
    one = folder / "01-drill"
    (one / "verdict.json").unlink()
    whole = (one / "journal.jsonl").read_bytes()
    ends = [0, *(n + 1 for n, byte in enumerate(whole) if byte == 10)]
    for end in ends[:-1]:
        (one / "journal.jsonl").write_bytes(whole[: end + 30])
        text = words(folder)
        assert "Missing: verdict.json is not there" in text
        if end < ends[-3]:
            assert "… NO VERDICT" in text
            assert "Unknown: nobody could look" in text


def test_what_is_missing_is_said_never_a_traceback(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path)
    (folder / "01-drill/orders-client.ledger").unlink()
    assert "no ledger with attempts is there" in words(folder)
    (folder / "01-drill/orders-client.ledger").write_bytes(b"FMLEDGR1")
    assert "no ledger with attempts is there" in words(folder)
    (folder / "01-drill/journal.jsonl").unlink()
    assert "there is no journal" in words(folder)
    shutil.rmtree(folder / "01-drill")
    assert "the run ended before it came to this drill" in words(folder)
    (folder / "run.json").unlink()
    assert "No drill left anything in this folder" in words(folder)


def test_bad_news_comes_first(tmp_path: Path) -> None:
    drills = [run_folders.compiled(name) for name in "ABC"]
    folder = run_folders.run(tmp_path, drills)
    change(folder / "02-drill", verdict="ABORTED", code="signal", why="received SIGTERM")
    change(folder / "02-drill", as_expected=False, target_after="NOT CLEAN", standing=["a hole"])
    text = words(folder)
    first = text[: text.index("Promises, one by one")]
    assert (
        "✗ NOT CLEAN 'B' left something behind. Nothing is said about the system: "
        "a signal ended the run (received SIGTERM)." in first
    )
    assert (
        "✗ NOT CLEAN: something of the drill still stands. Left so by B. "
        "What stands: firemarshal status --target lab" in first
    )
    assert first.index("2 B DS-1a") < first.index("1 A DS-1a")
    assert "Still standing: a hole" in first
    assert "a signal ended the run. Cure: run it again" in text


def test_a_control_that_passes_discredits_the_run(tmp_path: Path) -> None:
    control = {"verdict": "FAILED", "objective": "rto", "least": 5}
    drills = [run_folders.compiled("A"), run_folders.compiled("B", control=control)]
    folder = run_folders.run(tmp_path, drills)
    change(folder / "02-drill", as_expected=False, expectation="had to be FAILED, was PASSED")
    text = words(folder)
    assert "INSTRUMENT WRONG A control came out wrong: had to be FAILED, was PASSED" in text
    assert "✗negative control of this run, 'B'" in text


def test_many_drills_stand_in_an_index_and_few_in_full(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path, [run_folders.compiled(f"Drill {n}") for n in range(45)])
    change(folder / "44-drill", verdict="FAILED", as_expected=False)
    text = words(folder)
    assert "45 drills began; the 40 that went worst or came first" in text
    assert "44. Drill 43" in text
    assert "41. Drill 40" not in text
    assert text.count("The scenario") == 40


def test_plans_and_the_last_pass_come_from_files_kept_at_run_time(tmp_path: Path) -> None:
    earlier = run_folders.run(tmp_path, name="20261120T160000Z-aaaa")
    change(earlier / "01-drill", promises=[])
    folder = run_folders.run(tmp_path)
    assert "Changed since the last pass" not in words(folder)
    kept = beside.keep(folder, [])
    assert [one.name for one in kept] == ["clauses.json", "previous.json"]
    text = words(folder)
    assert "Compared with run 20261120T160000Z-aaaa" in text
    assert "that run is not part of this evidence" in text
    assert "not measured 1.990 to 2.000 s" in text
    before = (folder / html.NAME).read_bytes()
    shutil.rmtree(earlier)
    assert html.write(folder).read_bytes() == before


def test_a_clause_is_quoted_only_from_the_plan_that_was_drilled(tmp_path: Path) -> None:
    plan = tmp_path / "plans/p.toml"
    plan.parent.mkdir()
    plan.write_text(
        'id = "p"\nname = "Plan P"\nsource = "here"\nversion = "3"\n[[clauses]]\nid = "DS-1a"\n'
        'text = "Writes return after a crash, whatever happens."\nevery = "day"\nrto = "5 min"\n'
        'objectives = [{ kind = "mttr", limit = "2 h" }]\nseverity = "red"\n'
    )
    from firemarshal.drill import sha256
    from firemarshal.plan import load_all

    hashed = sha256(sorted(load_all([plan.parent]).hashes.items()))
    for name, value, quoted in (("a", hashed, True), ("b", "0" * 64, False)):
        folder = run_folders.run(tmp_path / name, [run_folders.compiled(hashes={"plans": value})])
        beside.keep(folder, [plan.parent])
        text = words(folder)
        assert ("Writes return after a crash, whatever happens." in text) is quoted
        assert ("Plan P, version 3, red, every day 1 of 1 kept" in text) is quoted
        rebuild.rebuild(folder)
        told = orjson.loads((folder / "summary.json").read_bytes())["drills"][0]["severities"]
        assert told == (["red"] if quoted else [])
        assert ("DS-1a also promises mttr 2 h: not judged here" in text) is quoted


def test_a_changed_journal_is_told(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path)
    path = folder / "01-drill/journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b"gone: 11", b"gone: 12"))
    assert "✗journal.jsonl: the chain of hashes breaks at line 10" in words(folder)


def test_derived_files_are_no_evidence(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path)
    before = html.write(folder).read_bytes()
    for name in ("summary.json", "drills.csv", "01-drill/plot.svg"):
        (folder / name).write_text("made from the rest")
    assert html.write(folder).read_bytes() == before
    assert b"01-drill/orders-client.ledger" in before


def change(drill: Path, **facts: Any) -> None:
    path = drill / "verdict.json"
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | facts))


def test_the_reader_is_shared(tmp_path: Path) -> None:
    run = story.read_run(run_folders.run(tmp_path))
    assert "Drill report" in html.page(run)


def test_files_cut_at_random_never_end_in_a_traceback(tmp_path: Path) -> None:
    source = run_folders.run(tmp_path / "source")
    names = sorted(one.relative_to(source) for one in source.rglob("*") if one.is_file())
    random = Random(7)
    for number in range(15):
        folder = tmp_path / str(number) / source.name
        shutil.copytree(source, folder)
        for name in random.sample(names, 2):
            data = (folder / name).read_bytes()
            (folder / name).write_bytes(data[: random.randint(0, len(data))])
        assert page(folder).tags.count("h1") == 1


def test_the_command_writes_the_bytes_that_the_run_wrote(
    every_verdict: ToyProject, interrupted: ToyProject
) -> None:
    for project in (every_verdict, interrupted):
        folder = (project.root / "runs/latest").resolve()
        names = ("report.html", "summary.json", "summary.csv")
        before = {name: (folder / name).read_text().splitlines() for name in names}
        assert project.command("report", "latest").returncode == 0
        for name, lines in before.items():
            again = (folder / name).read_text().splitlines()
            assert [*unified_diff(lines, again, lineterm="", n=0)] == [], name


def test_drills_stand_before_controls_each_as_its_customers_saw_it(tmp_path: Path) -> None:
    control = {"verdict": "FAILED", "objective": "rto", "least": 5}
    drills = [run_folders.compiled("A", control=control), run_folders.compiled("B")]
    folder = run_folders.run(tmp_path, drills)
    found = page(folder)
    text = " ".join(found.words.split())
    index = text[text.index("What customers saw to 5 s after the fault") :]
    assert index.index("2 B DS-1a") < index.index("Negative controls") < index.index("1 A DS-1a")
    labels = [value for name, value in found.facts if name == "aria-label"]
    assert labels.count("not served until +2.000 s") == 2


def test_what_was_not_run_says_why_and_stands_behind_what_was_kept(tmp_path: Path) -> None:
    why = {"code": "no-engine", "why": "there is no proxy here; cure: name a link"}
    drills = [run_folders.compiled("A", not_run=why), run_folders.compiled("B")]
    text = words(run_folders.run(tmp_path, drills))
    assert "A DS-1a there is no proxy here; cure: name a link" in text
    promises = text[text.index("Promises, one by one") :]
    assert promises.index("✓ met") < promises.index("○ not run")
