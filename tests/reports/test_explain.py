"""`firemarshal explain` and `report`: right, or a clear error; for runs whole, cut and strange."""

import random
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from toy_project import ToyProject

from firemarshal.bad_input import BadInput
from firemarshal.codes import CODES
from firemarshal.reports import explain, rebuild, runs, words

REPORTS = ("summary.json", "summary.csv", "report.html")


@pytest.fixture
def copy(run_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_folder, tmp_path / run_folder.name))


def told(folder: Path, drill: str = "") -> str:
    run = runs.load(folder)
    return "\n".join(explain.explain(run, runs.pick(run, drill)))


def test_every_code_says_what_it_needs() -> None:
    assert set(explain.NEEDED) == set(CODES)


def test_an_invalid_drill_is_explained_with_its_cure(run_folder: Path) -> None:
    text = told(run_folder, "aimed at nothing")
    assert "target after: as found" in text
    assert f"cure    {CODES['aimed-at-nothing'].cure}" in text
    assert 'tried   Given nobody restarts "toy"' in text
    assert "null.unsupervise found nothing to harm on toy" in text
    assert "ended: INVALID (aimed-at-nothing)" in text


def test_a_missed_promise_names_its_line_and_shows_ten_around_it(run_folder: Path) -> None:
    text = told(run_folder, "2")
    shown = [one for one in text.splitlines() if one[2:8].strip(" >").isdigit()]
    assert len(shown) == explain.AROUND
    marked = [one for one in shown if one.startswith("  >")]
    assert len(marked) == 1
    seq = marked[0][3:8].strip()
    assert "judged missed" in marked[0]
    assert f"the plan allows 0.500 s (line {seq})" in text


def test_a_pass_shows_its_numbers_and_their_lines(run_folder: Path) -> None:
    text = told(run_folder, "1")
    assert "PASSED: writes return within 10 seconds" in text
    assert text.count("  >") == 2


def test_not_run_and_aborted_are_explained(run_folder: Path, interrupted: ToyProject) -> None:
    text = told(run_folder, "another kind")
    assert "nothing; the drill never began" in text
    assert "no-fault-for-kind" in text
    text = told(interrupted.root / "runs/latest")
    assert "stopped (signal): received SIGINT" in text
    assert "not-reached" in text


def test_the_command_explains_the_latest_run(every_verdict: ToyProject) -> None:
    done = every_verdict.command("explain", "latest", "2")
    assert done.returncode == 0
    assert "judged missed" in done.stdout


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (("nonsense",), "there is no run 'nonsense'; the newest is"),
        (("latest", "nonsense"), "no drill is called 'nonsense'"),
        (("features",), "holds neither run.json nor the journal of a drill"),
        (("pyproject.toml",), "is a file, a run is a folder"),
    ],
)
@pytest.mark.parametrize("command", ["explain", "report"])
def test_mistakes_end_in_exit_code_4(
    every_verdict: ToyProject, command: str, wanted: tuple[str, ...], said: str
) -> None:
    if command == "report" and len(wanted) > 1:
        return
    done = every_verdict.command(command, *wanted)
    assert done.returncode == 4
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_reports_are_made_again_byte_for_byte(run_folder: Path, copy: Path) -> None:
    for name in REPORTS:
        (copy / name).unlink()
    rebuild.rebuild(copy)
    for name in REPORTS:
        assert (copy / name).read_bytes() == (run_folder / name).read_bytes(), name


def test_a_journal_cut_anywhere_is_read_or_refused(copy: Path, tmp_path: Path) -> None:
    """Without verdict.json only the journal is left: never a traceback, and never a pass."""
    folder = next(copy.glob("01-*"))
    whole = (folder / "journal.jsonl").read_bytes()
    (folder / "verdict.json").unlink()
    last_line = whole[: whole.index(b'"event":"result"')].rindex(b"\n") + 1
    for length in sorted({*range(0, last_line, 997), 0, 1, last_line}):
        (folder / "journal.jsonl").write_bytes(whole[:length])
        text = told(copy, "1")
        assert "NO VERDICT" in text
        assert "target after: unknown" in text
        rebuild.rebuild(copy, tmp_path / "allure")
        drill = orjson.loads((copy / "summary.json").read_bytes())["drills"][0]
        assert (drill["verdict"], drill["target_after"]) == ("ABORTED", "unknown")
        assert drill["injected"] is not False


@pytest.mark.parametrize("name", ["verdict.json", "journal.jsonl", "clauses.json", "run.json"])
@pytest.mark.parametrize("keep", [0, 1, 100])
def test_a_file_cut_short_is_told_or_refused(copy: Path, name: str, keep: int) -> None:
    path = next(copy.rglob(name))
    path.write_bytes(path.read_bytes()[:keep])
    assert "target after" in told(copy)
    try:
        rebuild.rebuild(copy)
    except BadInput as problem:
        assert name == "run.json", problem.message


def test_another_schema_is_refused(copy: Path) -> None:
    plan = orjson.loads((copy / "run.json").read_bytes())
    (copy / "run.json").write_bytes(orjson.dumps(plan | {"schema": "firemarshal/run/9"}))
    with pytest.raises(BadInput, match=r"firemarshal/run/9.*firemarshal/run/1"):
        told(copy)
    plan["drills"][0]["drill"]["schema"] = "firemarshal/drill/0"
    (copy / "run.json").write_bytes(orjson.dumps(plan))
    with pytest.raises(BadInput, match="firemarshal/drill/0"):
        rebuild.rebuild(copy)


def test_an_event_of_another_version_is_still_shown() -> None:
    line = {"seq": 1, "event": "judged", "at_us": 0, "promise": "changed its form"}
    assert words.in_words(line) == "judged promise=changed its form"
    assert words.in_words({"event": "thought", "of": "x" * 300}).endswith(" ...")


def test_a_journal_cut_at_any_byte_is_explained(copy: Path) -> None:
    """With its verdict and without: what is missing is told, and nothing is made up."""
    folder = next(copy.glob("01-*"))
    whole = (folder / "journal.jsonl").read_bytes()
    for verdict in (True, False):
        for length in range(0, len(whole), 97):
            (folder / "journal.jsonl").write_bytes(whole[:length])
            assert ("PASSED" in told(copy, "1")) >= verdict
        (folder / "verdict.json").unlink(missing_ok=True)


def test_whatever_stands_in_a_run_folder_is_told_or_refused(copy: Path) -> None:
    """Keys that are missing or of another type, as a later version might write them."""
    chance = random.Random(97)
    names = ("journal.jsonl", "verdict.json", "run.json", "clauses.json")
    paths = [path for path in sorted(copy.rglob("*.json*")) if path.name in names]
    for _ in range(400):
        path = chance.choice(paths)
        before = path.read_bytes()
        lines = before.splitlines() if path.suffix == ".jsonl" else [before]
        number = chance.randrange(len(lines))
        lines[number] = orjson.dumps(changed(orjson.loads(lines[number]), chance))
        path.write_bytes(b"\n".join(lines) + b"\n")
        verdict = path.with_name("verdict.json")
        kept = verdict.read_bytes() if verdict.exists() and chance.random() < 0.5 else None
        if kept:
            verdict.unlink()
        with suppress(BadInput):
            told(copy)
        if kept:
            verdict.write_bytes(kept)
        path.write_bytes(before)


def changed(value: Any, chance: random.Random) -> Any:
    """The value with one thing in it missing or replaced."""
    if isinstance(value, dict | list) and value and chance.random() < 0.7:
        copied: Any = value.copy()
        key = chance.choice(list(copied) if isinstance(copied, dict) else range(len(copied)))
        if chance.random() < 0.4:
            del copied[key]
        else:
            copied[key] = changed(copied[key], chance)
        return copied
    return chance.choice([None, "", 0, -1, [], {}, "x", True, [1], {"a": 1}])
