"""Every way in which a drill can say nothing about the system, and the exit code it gives."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from toy_project import ToyProject

from firemarshal import lab

INVALID = """
@null
Feature: Nothing can be said

  Scenario: sick before
    Given "toy" forgets what it acknowledges
    And "toy" is healthy
    And clients write steadily
    When the process of "toy" is killed
    Then writes return within 2 seconds

  Scenario: aimed at nothing
    Given "toy" is healthy
    And clients write steadily
    And nobody restarts "toy"
    And nobody restarts "toy"
    When "toy" refuses every request for 1 second
    Then writes return within 2 seconds
"""
KIND = """
Feature: Another kind

  Scenario: a fault that cannot harm this kind
    Given "toy" is healthy
    And clients write steadily
    When the primary of "toy" is killed
    Then writes return within 2 seconds
"""
FAILS = """
@null
Feature: Several at once

  Scenario: missed, and the loss is told all the same
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request for 1 second
    Then writes return within 500 ms
    And no acknowledged write is lost

  @must-fail:rto>=9
  Scenario: Control: misses by less than it must
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request for 1 second
    Then writes return within 500 ms

  @must-be-invalid:did-not-bite
  Scenario: Control: invalid for another reason
    Given "toy" refuses requests already
    And "toy" is healthy
    And clients write steadily
    When the process of "toy" is killed
    Then writes return within 2 seconds
"""


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A toy that stays up, as a system that the lab has nothing to do with."""
    folder = tmp_path / "kept"
    yield lab.up(
        {"name": "toy", "kind": "null", "lab": "null", "options": {}}, folder, lambda text: None
    )
    assert lab.down(folder, lambda text: None) == []


def own_target(project: ToyProject, table: dict[str, Any]) -> None:
    """A profile of one's own, in which nothing is made by the lab."""
    member, identity = table["members"][0], table["identity"]
    lines = [
        'name = "own"\nenvironment = "staging"\nwatch_beyond_s = 1\nheal_within_s = 3',
        '[[systems]]\nname = "toy"\nkind = "null"',
        "recorder = { baseline_s = 0.9, window_s = 0.5 }",
        "identity = { " + ", ".join(f'{key} = "{one}"' for key, one in identity.items()) + " }",
        "[[systems.members]]",
        *(f"{key} = {orjson.dumps(one).decode()}" for key, one in member.items()),
    ]
    (project.root / "targets/own.toml").write_text("\n".join(lines))


def drills(project: ToyProject) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in project.summary()["drills"]}


def test_what_proves_nothing_is_invalid(tmp_path: Path) -> None:
    """Sick before, aimed at nothing: never a pass, always with its code, nothing injected."""
    project = ToyProject(tmp_path, INVALID)
    done = project.command("run", "features", "--target", "lab")
    assert done.returncode == 10, done.stdout
    found = drills(project)
    assert found["sick before"]["code"] == "not-healthy-before"
    assert found["sick before"]["injected"] is False
    assert found["aimed at nothing"]["code"] == "aimed-at-nothing"
    assert not project.undos()
    project.clear()


def test_a_missed_promise_is_failed_and_hides_no_other(tmp_path: Path) -> None:
    """All objectives stand in the summary; a control with the wrong outcome is red."""
    project = ToyProject(tmp_path, FAILS)
    done = project.command("run", "features", "--target", "lab")
    assert done.returncode == 1, done.stdout
    found = drills(project)
    missed = found["missed, and the loss is told all the same"]
    assert [one["verdict"] for one in missed["objectives"]] == ["missed", "met"]
    assert missed["rto"]["lower"] > 900_000
    less = found["Control: misses by less than it must"]
    assert less["verdict"] == "FAILED"
    assert not less["as_expected"]
    other = found["Control: invalid for another reason"]
    assert other["verdict"] == "INVALID"
    assert "had to be INVALID for 'did-not-bite'" in other["expectation"]
    project.clear()


def test_no_fault_for_a_kind_is_not_run(tmp_path: Path) -> None:
    """Nothing ran, so the run is not a success either."""
    project = ToyProject(tmp_path, KIND)
    done = project.command("run", "features", "--target", "lab")
    assert done.returncode == 5, done.stdout
    assert "no-fault-for-kind" in done.stdout or "cannot harm" in done.stdout
    assert not (tmp_path / ".firemarshal/lab/toy").exists()


def test_a_system_of_ones_own_passes_and_is_left_as_found(
    tmp_path: Path, kept: dict[str, Any]
) -> None:
    """A profile without the lab: the same features, other addresses, nothing left behind."""
    project = ToyProject(tmp_path / "own")
    own_target(project, kept)
    feature = project.root / "features/toy.feature"
    feature.write_text(feature.read_text().replace("every request", "every request for 1 second"))
    done = project.command("run", "features", "--target", "own")
    assert done.returncode == 0, done.stdout
    assert drills(project)["The toy refuses and nobody helps"]["target_after"] == "as found"


def test_another_system_behind_the_address_is_refused(tmp_path: Path, kept: dict[str, Any]) -> None:
    """The profile pins who it must be; a connection that leads elsewhere aborts the drill."""
    project = ToyProject(tmp_path / "own")
    own_target(project, {**kept, "identity": {"uuid": "somebody-else"}})
    done = project.command("run", "features", "--target", "own")
    assert done.returncode == 11, done.stdout
    drill = drills(project)["The toy refuses and nobody helps"]
    assert (drill["verdict"], drill["code"], drill["injected"]) == ("ABORTED", "guard", False)


def test_a_system_that_cannot_be_reached_is_invalid(tmp_path: Path, kept: dict[str, Any]) -> None:
    """Nobody answers at the address: nothing is injected, and the why names it."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    project = ToyProject(tmp_path / "own")
    own_target(project, {**kept, "members": [{**kept["members"][0], "port": port}]})
    done = project.command("run", "features", "--target", "own")
    assert done.returncode == 10, done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    drill = drills(project)["The toy refuses and nobody helps"]
    assert (drill["code"], drill["injected"]) == ("target-lost", False)
    assert str(port) in drill["why"]


def test_two_runs_cannot_drill_one_system(tmp_path: Path) -> None:
    """The second is told who holds the system, and touches nothing."""
    project = ToyProject(tmp_path, watch_beyond_s=6)
    first = project.start()
    project.wait_for_event("disaster")
    second = project.command("run", "features", "--target", "lab")
    first.communicate(timeout=60)
    assert second.returncode in (11, 20), second.stdout
    assert "is being drilled by" in second.stdout or "NOT CLEAN" in second.stdout
    assert first.returncode == 1
    project.clear()


def test_production_is_refused(tmp_path: Path, kept: dict[str, Any]) -> None:
    """There are no guards and approvals yet, so it fails closed, before anything is touched."""
    project = ToyProject(tmp_path / "own")
    own_target(project, kept)
    profile = project.root / "targets/own.toml"
    profile.write_text(profile.read_text().replace('"staging"', '"production"'))
    done = project.command("run", "features", "--target", "own")
    assert done.returncode == 4
    assert "guards and approvals" in done.stderr + done.stdout
    assert not (project.root / "runs").exists()
