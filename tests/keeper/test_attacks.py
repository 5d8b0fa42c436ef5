"""What a hostile review tried, and what must never work again."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from toy_project import ToyProject, wait_until

LATE = '''"""Harms late, in a command that outlives an impatient verb."""

from typing import Any

from firemarshal.actions.null import files
from firemarshal.fault import Fault

FAULT = Fault(kinds=("null",), does="refuses, but late", lasts="until healed")
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    return files.aim(configuration["system"], "fault.refuse")


def inject(victims: list[Json], configuration: Json) -> None:
    path = victims[0]["found"]["path"]
    machine = files.machine_of(configuration["system"], "local")
    machine.run(["sh", "-c", 'sleep 3; touch "$0"', path], 20)


def bit(victims: list[Json], configuration: Json) -> Json:
    return files.bit(victims, configuration["system"])


def heal(victims: list[Json], configuration: Json) -> list[str]:
    return files.heal(victims, configuration["system"])
'''
STEP = '''"""Words of this project."""

from pytest_bdd import when

from firemarshal.declare import Disaster


@when("the toy refuses late")
def _() -> Disaster:
    return Disaster(fault="late")
'''
LATE_FEATURE = """
@null
Feature: Late
  Scenario: harm that comes late
    Given "toy" is healthy
    And clients write steadily
    When the toy refuses late
    Then writes return within 2 seconds
"""
CONDITION = """
@null
Feature: A planned end
  Scenario: only the disaster ends as planned
    Given "toy" is healthy
    And clients write steadily
    And nobody restarts "toy"
    When "toy" refuses every request for 1 second
    Then writes return within 3 seconds
"""
UNSEEN = """
@null
Feature: Nobody noticed
  Scenario: an outage that nobody saw is no recovery
    Given "toy" is healthy
    And clients write steadily
    When "toy" forgets what it acknowledges for 1 second
    Then writes return within 3 seconds
"""
TWO = """
@null
Feature: Two
  Scenario: two loads
    Given "toy" is healthy
    And clients write steadily to "toy"
    And "shop" is healthy
    And clients write steadily to "shop"
    When "toy" refuses every request for 1 second
    Then writes return within 3 seconds
"""


def late_project(root: Path) -> ToyProject:
    project = ToyProject(root, LATE_FEATURE)
    for name, text in (("own/faults/late.py", LATE), ("own/steps/words.py", STEP)):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        (path.parent / "__init__.py").touch()
    (root / "own/__init__.py").touch()
    (root / "pyproject.toml").write_text(
        '[tool.firemarshal]\nsteps = ["firemarshal.drills", "own.steps"]\n'
        'faults = ["firemarshal.actions", "own.faults"]\n'
    )
    return project


@pytest.mark.parametrize("ending", ["Ctrl-C", "keeper killed", "all killed"])
def test_no_harm_comes_after_healing_was_proved(tmp_path: Path, ending: str) -> None:
    """A command that an inject had started is dead before anything is healed."""
    project = late_project(tmp_path)
    running = project.start()
    project.wait_for_event("undo written")
    time.sleep(0.5)
    if ending == "Ctrl-C":
        running.send_signal(signal.SIGINT)
    else:
        keeper = project.keeper_pid()
        house = int(Path(f"/proc/{keeper}/stat").read_text().rpartition(")")[2].split()[1])
        for pid in (house, running.pid) if ending == "all killed" else ():
            os.kill(pid, signal.SIGKILL)
        os.kill(keeper, signal.SIGKILL)
    running.communicate(timeout=40)
    if ending == "all killed":
        assert project.command("heal", "--target", "lab").returncode == 0
    assert not project.undos()
    time.sleep(4)
    assert not project.fault.exists()
    project.clear()


def test_an_undo_that_was_deleted_under_us_is_healed_all_the_same(tmp_path: Path) -> None:
    """A cleaner that empties the working tree must not make a fault stay."""
    project = ToyProject(tmp_path)
    running = project.start()
    project.wait_for_event("disaster")
    shutil.rmtree(tmp_path / ".firemarshal/state")
    running.communicate(timeout=60)
    assert not project.fault.exists()
    assert any(line["event"] == "undo was gone" for line in project.journal().lines)
    project.clear()


def test_a_planned_end_leaves_the_conditions_standing(tmp_path: Path) -> None:
    """Healing a condition early would be help that nobody promised."""
    project = ToyProject(tmp_path, CONDITION)
    assert project.command("run", "features", "--target", "lab").returncode == 0
    healed = [line for line in project.journal().lines if line["event"] in ("healed", "watched")]
    assert [line.get("fault", "watched") for line in healed] == [
        "null.refuse",
        "watched",
        "null.unsupervise",
    ]
    project.clear()


def test_an_outage_that_nobody_saw_is_invalid(tmp_path: Path) -> None:
    """Without a failed or slow attempt there was no recovery to be measured."""
    project = ToyProject(tmp_path, UNSEEN)
    assert project.command("run", "features", "--target", "lab").returncode == 10
    assert "noticed nothing" in project.result()["promises"][0]["reason"]
    project.clear()


def test_clients_of_two_systems_in_one_drill_are_refused(tmp_path: Path) -> None:
    """Only one would be judged, and a promise about the other could not fail."""
    project = ToyProject(tmp_path, TWO)
    profile = tmp_path / "targets/lab.toml"
    text = profile.read_text()
    profile.write_text(text + text[text.index("[[systems]]") :].replace('"toy"', '"shop"'))
    refused = project.command("run", "features", "--target", "lab")
    assert refused.returncode == 4
    told = ("clients write to 2 systems", "does not say which system")
    assert any(one in refused.stdout for one in told), refused.stdout


def test_a_recorder_that_hung_saw_nothing(tmp_path: Path) -> None:
    """SIGSTOP of the recorder: what it did not see must not pass."""
    project = ToyProject(tmp_path, CONDITION)
    running = project.start()
    project.wait_for_event("watched")
    (recorder,) = [one for one in project.processes() if "probes.recorder" in one]
    os.kill(int(recorder.split()[0]), signal.SIGSTOP)
    running.communicate(timeout=60)
    assert running.returncode == 10
    assert project.result()["code"] == "recorder-lost"
    project.clear()


def test_a_damaged_undo_keeps_no_other_from_being_healed(tmp_path: Path) -> None:
    """The good one is healed, the bad one is told with its file, and it counts as standing."""
    project = ToyProject(tmp_path)
    running = project.start()
    project.wait_for_event("disaster")
    keeper = project.keeper_pid()
    house = int(Path(f"/proc/{keeper}/stat").read_text().rpartition(")")[2].split()[1])
    for pid in (house, running.pid, keeper):
        os.kill(pid, signal.SIGKILL)
    running.communicate(timeout=10)
    folder = tmp_path / ".firemarshal/state/lab/toy"
    (folder / "d0-00.undo.json").write_text('{"half')
    (folder / "verb.json").write_text("")
    healed = project.command("heal", "--target", "lab")
    assert healed.returncode == 20
    assert "damaged" in healed.stdout
    assert "Traceback" not in healed.stdout + healed.stderr
    wait_until(lambda: not project.fault.exists(), 5, "the good one was not healed")
    (folder / "d0-00.undo.json").unlink()
    assert project.command("heal", "--target", "lab").returncode == 0
    project.clear()


def test_faults_in_a_lab_that_is_gone_do_not_stand_for_ever(tmp_path: Path) -> None:
    """The lab is not taken down over a fault; where it went all the same, heal says so."""
    project = ToyProject(tmp_path)
    running = project.start()
    project.wait_for_event("disaster")
    keeper = project.keeper_pid()
    house = int(Path(f"/proc/{keeper}/stat").read_text().rpartition(")")[2].split()[1])
    for pid in (house, running.pid, keeper):
        os.kill(pid, signal.SIGKILL)
    running.communicate(timeout=10)
    refused = project.command("lab", "down")
    assert refused.returncode == 4
    assert "firemarshal heal --target lab" in refused.stderr
    project.clear()
    assert project.command("status", "--target", "lab").returncode == 20
    healed = project.command("heal", "--target", "lab")
    assert healed.returncode == 0, healed.stdout
    assert "a lab that is gone" in healed.stdout
    assert project.command("status", "--target", "lab").returncode == 0
