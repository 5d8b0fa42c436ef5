"""Allure results: complete whatever ended the run, made of the run folder alone, one a drill."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from toy_project import ToyProject

from firemarshal.reports import allure, allure_sides, rebuild, severity, story

ROOT = Path(__file__).resolve().parents[2]
STATUSES = {
    "passes": "passed",
    "=fails, and tells the loss all the same": "failed",
    "Control: the toy forgets": "passed",
    "aimed at nothing": "broken",
    "another kind": "skipped",
}


def results(folder: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(path.read_bytes()) for path in folder.glob("*-result.json")]
    assert len({one["name"] for one in found}) == len(found), "something is told twice"
    return {one["name"]: one for one in found}


def written(run_folder: Path, into: Path) -> dict[str, dict[str, Any]]:
    allure.write(run_folder, into)
    return results(into)


def ours(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("firemarshal-*")}


def labels(result: dict[str, Any], name: str) -> list[str]:
    return [one["value"] for one in result["labels"] if one["name"] == name]


def steps(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["status"], one["name"]) for one in result["steps"]]


@pytest.fixture
def copy(run_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_folder, tmp_path / "20270101T000000Z-0000"))


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import build_allure

    return build_allure


def test_every_drill_once_and_an_ordinary_test_as_it_was(every_verdict: ToyProject) -> None:
    found = results(every_verdict.root / "allure")
    ordinary = found.pop("test_ordinary")
    assert ordinary["status"] == "passed"
    assert labels(ordinary, "framework") == ["pytest"]
    assert {name: one["status"] for name, one in found.items()} == STATUSES


def test_containers_of_fixtures_name_no_drill(every_verdict: ToyProject) -> None:
    folder = every_verdict.root / "allure"
    known = {one["uuid"] for one in results(folder).values()}
    for path in folder.glob("*-container.json"):
        assert set(json.loads(path.read_bytes())["children"]) <= known


def test_results_are_complete_after_ctrl_c(interrupted: ToyProject) -> None:
    """What allure-pytest would call passed is broken, and what was never reached is there."""
    found = results(interrupted.root / "allure-results")
    assert {name: one["status"] for name, one in found.items()} == {
        "ended by a signal": "broken",
        "never reached": "skipped",
    }
    ended = found["ended by a signal"]
    assert "ABORTED: received SIGINT" in ended["statusDetails"]["message"]
    assert {"name": "verdict", "value": "ABORTED"} in ended["labels"]


def test_the_run_and_the_command_write_the_same(
    every_verdict: ToyProject, interrupted: ToyProject, tmp_path: Path
) -> None:
    for project, live in ((every_verdict, "allure"), (interrupted, "allure-results")):
        again = tmp_path / project.root.name
        done = project.command("report", "latest", "--allure", str(again))
        assert done.returncode == 0, done.stderr
        assert ours(again) == ours(project.root / live)


def test_steps_tell_what_became_of_every_sentence(run_folder: Path, tmp_path: Path) -> None:
    found = written(run_folder, tmp_path)
    assert steps(found["aimed at nothing"])[2:6] == [
        ("passed", 'Given nobody restarts "toy"'),
        ("broken", 'Given nobody restarts "toy"'),
        ("skipped", 'When "toy" refuses every request for 1 second'),
        ("skipped", "Then writes return within 2 seconds"),
    ]
    failed = found["=fails, and tells the loss all the same"]
    assert steps(failed)[3:5] == [
        ("failed", "Then writes return within 500 ms"),
        ("passed", "Then no acknowledged write is lost"),
    ]
    told = [one["name"] for one in failed["steps"][2]["steps"]]
    assert any("injected null.refuse into toy (line" in one for one in told)
    assert [one["status"] for one in failed["steps"][3]["steps"]].count("failed") == 1
    assert {status for status, _ in steps(found["another kind"])} == {"skipped"}


def test_a_control_is_green_says_so_and_keeps_its_red_step(
    run_folder: Path, tmp_path: Path
) -> None:
    control = written(run_folder, tmp_path)["Control: the toy forgets"]
    assert allure.CONTROL in labels(control, "tag")
    assert "FAILED, as it must" in control["description"]
    assert ("failed", "Then no acknowledged write is lost") in steps(control)


def test_no_time_runs_backwards(run_folder: Path, tmp_path: Path) -> None:
    for result in written(run_folder, tmp_path).values():
        assert result["start"] <= result["stop"]
        for step in result["steps"]:
            assert result["start"] <= step["start"] <= step["stop"]
            assert all(one["start"] <= one["stop"] for one in step.get("steps", []))


def test_the_state_of_the_target_comes_first(run_folder: Path, tmp_path: Path) -> None:
    for result in written(run_folder, tmp_path).values():
        assert result["description"].startswith("target after: ")


def test_histories_are_stable_and_runs_are_told_apart(
    run_folder: Path, copy: Path, tmp_path: Path
) -> None:
    first, second = (
        written(run_folder, tmp_path / "one"),
        written(copy, tmp_path / "two"),
    )
    for name, result in first.items():
        assert result["historyId"] == second[name]["historyId"]
        assert result["uuid"] != second[name]["uuid"]
    assert len({one["historyId"] for one in first.values()}) == len(first)
    measured = first["passes"]["parameters"][1:]
    assert measured and all(one["excluded"] for one in measured)


def test_clauses_and_their_owner_are_labels(copy: Path, tmp_path: Path) -> None:
    plan = json.loads((copy / "run.json").read_bytes())
    plan["drills"][0]["drill"]["clauses"] = ["DS-1a", "DS-1b"]
    (copy / "run.json").write_text(json.dumps(plan))
    known = {"DS-1a": {"owner": "the night shift", "severity": "P0"}, "DS-1b": {}}
    (copy / "clauses.json").write_text(json.dumps({"clauses": known}))
    result = written(copy, tmp_path / "out")["passes"]
    assert labels(result, "clause") == ["DS-1a", "DS-1b"]
    assert labels(result, "owner") == ["the night shift"]
    assert labels(result, "severity") == ["blocker"]
    assert labels(result, "plan severity") == ["P0"]
    assert labels(result, "epic") == ["features"]
    assert labels(result, "environment") == ["lab"]


def test_allure_has_one_severity_the_worst_that_is_known() -> None:
    assert severity.of_allure(["level 1", "P1", "purple"]) == "critical"
    assert severity.of_allure(["purple"]) == severity.of_allure([]) == ""
    clauses = {"A": {"severity": "P2"}, "B": {"severity": ""}, "C": {"severity": "P2"}}
    assert severity.words(clauses, ["A", "B", "C", "D"]) == ["P2"]


def test_everything_that_is_attached_is_there(run_folder: Path, tmp_path: Path) -> None:
    found = written(run_folder, tmp_path)
    passed = found["passes"]["attachments"]
    assert [one["name"] for one in passed if one["type"] != "image/svg+xml"] == [
        "Objectives",
        "Loss",
        "Configuration",
        "journal.jsonl",
        "verdict.json",
    ]
    assert any(one["type"] == "image/svg+xml" for one in passed)
    sources = [one["source"] for result in found.values() for one in result["attachments"]]
    assert all((tmp_path / one).stat().st_size for one in sources)
    assert sorted(tmp_path.glob("*.tmp")) == []
    assert len(sources) == len(set(sources)) == len(list(tmp_path.glob("*-attachment.*")))


def test_a_target_that_is_not_clean_is_never_green(run_folder: Path) -> None:
    drill = story.read_run(run_folder).drills[0]
    assert allure.status(drill) == "passed"
    left = replace(drill, result={**drill.result, "target_after": "NOT CLEAN"})
    assert allure.status(left) == "broken"


def test_a_control_that_passed_is_red(run_folder: Path) -> None:
    drill = story.read_run(run_folder).drills[2]
    wrong = {**drill.result, "verdict": "PASSED", "as_expected": False}
    assert allure.status(replace(drill, result=wrong)) == "failed"


def test_every_outcome_that_is_not_green_has_its_category(
    run_folder: Path, interrupted: ToyProject, tmp_path: Path
) -> None:
    runs = (run_folder, interrupted.root / "runs/latest")
    for number, folder in enumerate(runs):
        for result in written(folder, tmp_path / str(number)).values():
            if result["status"] != "passed":
                text = result["statusDetails"]["message"]
                assert any(
                    result["status"] in statuses and re.fullmatch(pattern, text)
                    for _, statuses, pattern in allure_sides.CATEGORIES
                ), text


def test_side_files_keep_what_others_wrote(run_folder: Path, tmp_path: Path) -> None:
    theirs = {"name": "Ours since 2019", "matchedStatuses": ["failed"]}
    (tmp_path / "categories.json").write_text(json.dumps([theirs]))
    (tmp_path / "environment.properties").write_text("browser=none\nrun=an older one\n")
    for _ in range(2):
        allure.write(run_folder, tmp_path)
    names = [one["name"] for one in json.loads((tmp_path / "categories.json").read_bytes())]
    assert names == ["Ours since 2019", *(one[0] for one in allure_sides.CATEGORIES)]
    lines = (tmp_path / "environment.properties").read_text().splitlines()
    assert "browser=none" in lines
    assert [one for one in lines if one.startswith("run=")] == [f"run={run_folder.name}"]


def test_a_folder_that_nobody_named_holds_the_newest_run_only(
    run_folder: Path, copy: Path, tmp_path: Path
) -> None:
    into = tmp_path / "results"
    allure.write(copy, into)
    (into / "an-ordinary-result.json").write_text('{"name": "ordinary"}')
    rebuild.rebuild(run_folder, into, replace=True)
    alone = tmp_path / "alone"
    allure.write(run_folder, alone)
    assert ours(into) == ours(alone)
    assert "ordinary" in results(into)


def test_a_foreign_folder_keeps_what_is_in_it(run_folder: Path, tmp_path: Path) -> None:
    theirs = {
        "categories.json": b"{ not a list",
        "firemarshal-notes.txt": b"kept by hand",
        "environment.properties": b"\xff\xfe=latin\r\nbrowser = none\r\n",
        "a-result.json": b"[]",
        "photo.png": b"\x89PNG",
    }
    for name, data in theirs.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "firemarshal-folder").mkdir()
    for _ in range(2):
        rebuild.rebuild(run_folder, tmp_path, replace=True)
    left = {name: (tmp_path / name).read_bytes() for name in theirs}
    assert left.pop("environment.properties").startswith(b"\xff\xfe=latin\nbrowser = none\n")
    assert left == {name: data for name, data in theirs.items() if name in left}
    assert len(list(tmp_path.glob("firemarshal-*-result.json"))) == len(STATUSES)


@pytest.mark.parametrize("command", ["run", "report"])
def test_a_folder_that_cannot_be_made_is_refused(
    every_verdict: ToyProject, command: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file" / "below")
    words = {
        "run": ("run", "features", "--target", "lab", "--alluredir", place),
        "report": ("report", "latest", "--allure", place),
    }[command]
    done = every_verdict.command(*words)
    assert done.returncode == 4
    assert "Not a directory" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_the_page_is_stripped_of_strangers(tool: ModuleType) -> None:
    page = (
        "<script>window.allure = 'gtag';</script>"
        '<script async src="https://www.googletagmanager.com/gtag/js?id=G"></script>\n'
        "<script>\n function gtag(){dataLayer.push(arguments);} gtag('js');</script>"
        "<script>window.data = 1;</script>"
    )
    left = tool.stripped(page)
    assert "googletagmanager" not in left
    assert "gtag(" not in left
    assert "window.allure" in left and "window.data" in left


def test_without_node_and_java_it_says_so(tmp_path: Path) -> None:
    tool = [sys.executable, str(ROOT / "tools" / "build_allure.py")]
    done = subprocess.run(
        tool, capture_output=True, text=True, env={"PATH": str(tmp_path)}, cwd=tmp_path
    )
    assert done.returncode == 4
    assert "neither node" in done.stderr
    assert "report.html" in done.stderr
