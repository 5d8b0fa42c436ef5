"""A rehearsal looks and touches nothing, and the run after it says where it differs."""

import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from toy_project import STANDS, ToyProject

from firemarshal.rehearsal import SCHEMA, newest

FEATURE = """
@null
Feature: Rehearsed
  Scenario: rehearsed
    Given "toy" is healthy
    And clients write steadily
    When the process of "toy" is killed
    And the runbook "look at it" is carried out
    Then writes return within 3 seconds
"""
RUNBOOK = """
name = "look at it"
owner = "on call"
[[steps]]
id = "look"
run = ["touch", "was-run"]
deadline = "5 s"
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[ToyProject]:
    """A toy with a killed process and a runbook."""
    made = ToyProject(tmp_path, FEATURE)
    (tmp_path / "plans/runbooks").mkdir(parents=True)
    (tmp_path / "plans/runbooks/look.toml").write_text(RUNBOOK)
    yield made
    made.clear()
    assert made.processes() == []


def test_it_names_the_victims_and_how_to_undo_and_touches_nothing(project: ToyProject) -> None:
    assert project.command("lab", "up").returncode == 0
    folder = project.root / ".firemarshal/lab/toy"
    pid = (folder / "pid").read_text()
    done = project.command("rehearse", "features", "--target", "lab")
    assert done.returncode == 0, done.stdout + done.stderr
    for told in (
        "1/1 rehearsed  (features/toy.feature:",
        "members now: toy-1 (primary)",
        "null.kill: SIGKILL of the process that answers; lasts moment",
        f"victim: toy-1 process {pid.strip()} started",
        "to undo it by hand: rm -f",
        "look (on call), within 5 s: touch was-run",
        "nothing was touched",
    ):
        assert told in done.stdout
    assert (folder / "pid").read_text() == pid
    assert not (folder / "data").exists() or (folder / "data").read_bytes() == b""
    assert not (project.root / "was-run").exists()
    assert not (project.root / "runs").exists()
    assert project.undos() == []


def test_the_run_after_it_says_that_it_did_as_announced(project: ToyProject) -> None:
    assert project.command("lab", "up").returncode == 0
    assert project.command("rehearse", "features", "--target", "lab").returncode == 0
    assert project.command("run", "features", "--target", "lab").returncode == 0
    told = [line for line in project.journal().lines if line["event"] == "as rehearsed"]
    assert [line["victims"] for line in told] == [["toy-1"]]


def test_a_run_that_hits_somebody_else_says_so(project: ToyProject) -> None:
    assert project.command("lab", "up").returncode == 0
    assert project.command("rehearse", "features", "--target", "lab").returncode == 0
    path = next(project.root.glob(".firemarshal/rehearsals/2*/rehearsal.json"))
    path.write_bytes(path.read_bytes().replace(b'"name": "toy-1"', b'"name": "toy-9"'))
    assert project.command("run", "features", "--target", "lab").returncode == 0
    told = [line for line in project.journal().lines if line["event"] == "not as rehearsed"]
    assert [line["why"] for line in told] == ["announced toy-9, now toy-1"]


def test_what_a_guard_would_refuse_is_told_with_an_exit_code_of_its_own(
    project: ToyProject,
) -> None:
    path = project.root / "targets/lab.toml"
    stops = '[[stop_when]]\nname = "the cord"\nrun = ["false"]\n'
    path.write_text(f"{path.read_text()}\n[guards]\nleast_healthy = 1\n{stops}")
    done = project.command("rehearse", "features", "--target", "lab")
    assert done.returncode == 11
    assert "guard least_healthy: REFUSED, 0 healthy members would be left" in done.stdout
    assert "guard stop conditions: REFUSED, the cord: exit 1" in done.stdout


def test_beside_a_drill_nothing_is_looked_at_and_the_lab_is_left_alone(
    project: ToyProject,
) -> None:
    feature = project.root / "features/toy.feature"
    feature.write_text(STANDS.replace("2 seconds", "9 seconds"))
    run = project.start()
    project.wait_for_event("watching")
    done = project.command("rehearse", "features", "--target", "lab")
    assert done.returncode == 11, done.stdout + done.stderr
    assert "is being drilled by" in done.stdout
    assert project.command("lab", "up").returncode == 4
    assert project.fault.exists()
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=30)


@pytest.mark.parametrize("text", ["{half", "[]", '{"schema": "another", "drills": []}'])
def test_a_rehearsal_that_cannot_be_read_is_none(project: ToyProject, text: str) -> None:
    folder = project.root / ".firemarshal/rehearsals/20260101T000000Z-0000"
    folder.mkdir(parents=True)
    (folder / "rehearsal.json").write_text(text)
    assert newest(folder.parent, "lab", "hash") is None


def test_the_newest_rehearsal_of_exactly_this_drill_is_found(tmp_path: Path) -> None:
    assert newest(tmp_path, "lab", "hash") is None
    for number, sha in enumerate(["hash", "hash", "other"]):
        folder = tmp_path / f"2026010{number}"
        folder.mkdir()
        drills = [{"drill_sha256": sha, "steps": []}]
        value = {"schema": SCHEMA, "target": "lab", "utc": str(number), "drills": drills}
        (folder / "rehearsal.json").write_bytes(orjson.dumps(value))
    found = newest(tmp_path, "lab", "hash")
    assert found and found["utc"] == "1"
    assert newest(tmp_path, "staging", "hash") is None
