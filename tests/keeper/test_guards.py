"""Guards and stops on the toy, by the real command: a no is a no, and nothing is touched."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_project import ToyProject, wait_until

STANDS = """
@null
Feature: Guarded
  Scenario: guarded
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request
    Then writes return within 9 seconds
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder whose toy is taken down, with nothing left running."""
    yield tmp_path
    project = object.__new__(ToyProject)
    project.root = tmp_path
    assert not project.fault.exists()
    project.clear()
    assert project.processes() == []


def guarded(root: Path, profile: str) -> ToyProject:
    """A toy project whose profile has these lines more."""
    project = ToyProject(root, STANDS)
    path = root / "targets/lab.toml"
    path.write_text(path.read_text() + profile)
    return project


REFUSED = {
    "frozen": (
        '[guards]\nfreeze = [{ why = "year end", first = 2020-01-01 }]',
        "guard 'freeze': year end (it is",
    ),
    "a command says no": (
        '[[guards.ask]]\nname = "no incident"\nrun = ["sh", "-c", "echo INC-7; exit 1"]',
        "guard 'no incident': exit 1 INC-7",
    ),
    "a command that is not there": (
        '[[guards.ask]]\nname = "no incident"\nrun = ["no-such-command"]',
        "guard 'no incident': no-such-command: No such file",
    ),
    "nobody answers": (
        '[[guards.ask]]\nname = "no alert"\nhttp = { url = "http://127.0.0.1:1/" }',
        "guard 'no alert': <urlopen error",
    ),
    "too slow": (
        '[[guards.ask]]\nname = "no alert"\nrun = ["sleep", "9"]\nwithin_s = 0.3',
        "guard 'no alert': no end within 0.3 s",
    ),
    "nobody would be left": (
        "[guards]\nleast_healthy = 1",
        "guard 'least_healthy': 0 healthy members would be left (none), need 1",
    ),
    "too many of them": (
        "[guards]\nmost_percent = 50",
        "guard 'blast radius of null.refuse': 1 of 1 members (100 %) would be harmed, "
        "the profile allows 50 %",
    ),
    "stop condition holds before": (
        '[[stop_when]]\nname = "checkout fails"\nrun = ["false"]',
        "guard 'stop conditions': checkout fails: exit 1",
    ),
}


@pytest.mark.parametrize(("profile", "said"), REFUSED.values(), ids=REFUSED)
def test_a_no_ends_the_drill_before_anything_is_harmed(root: Path, profile: str, said: str) -> None:
    project = guarded(root, profile)
    done = project.command("run", "features", "--target", "lab")
    result = project.result()
    assert done.returncode == 11
    assert (result["verdict"], result["code"], result["injected"]) == ("ABORTED", "guard", False)
    assert said in result["why"]
    assert [line for line in project.journal().lines if line["event"] == "undo written"] == []


def test_yes_to_everything_lets_the_drill_go_on(root: Path) -> None:
    profile = (
        "[guards]\nmost_members = 1\nfreeze = [{ why = 'long ago', last = 2020-01-01 }]\n"
        '[[guards.ask]]\nname = "no incident"\nrun = ["true"]\n'
        '[[stop_when]]\nname = "checkout fails"\nrun = ["true"]\nevery_s = 0.2\n'
    )
    project = guarded(root, profile)
    feature = root / "features/toy.feature"
    feature.write_text(feature.read_text().replace("request\n", "request for 1 second\n"))
    done = project.command("run", "features", "--target", "lab")
    assert done.returncode == 0, done.stdout + done.stderr


STOPS: dict[str, tuple[str, str]] = {
    "a file": ('file = "{root}/stop-it"', "is there"),
    "a command": ('run = ["test", "!", "-e", "{root}/stop-it"]', "exit 1"),
}


@pytest.mark.parametrize(("lines", "said"), STOPS.values(), ids=STOPS)
def test_a_stop_condition_ends_the_drill_and_heals(root: Path, lines: str, said: str) -> None:
    condition = f'[[stop_when]]\nname = "checkout fails"\nevery_s = 0.1\n{lines}\n'
    project = guarded(root, condition.replace("{root}", str(root)))
    result = stopped(project, lambda: (root / "stop-it").touch())
    assert (result["verdict"], result["code"]) == ("ABORTED", "stop-condition")
    assert "checkout fails" in result["why"] and said in result["why"]


def test_a_watcher_of_stop_conditions_that_dies_stops_the_drill(root: Path) -> None:
    project = guarded(root, '[[stop_when]]\nname = "checkout fails"\nfile = "/nowhere/stop"\n')

    def kill() -> None:
        found = [one for one in project.processes() if "sentinel" in one]
        os.kill(int(found[0].split()[0]), 9)

    result = stopped(project, kill)
    assert (result["code"], "died" in result["why"]) == ("stop-condition", True)


def test_a_person_stops_it_from_another_terminal(root: Path) -> None:
    project = guarded(root, "")

    def stop() -> None:
        done = project.command("stop", "--target", "lab", "--why", "customers call")
        assert done.returncode == 0, done.stderr
        assert "toy: ended, healed" in done.stdout

    result = stopped(project, stop)
    assert (result["verdict"], result["code"]) == ("ABORTED", "person")
    assert result["why"].endswith(": customers call")
    nobody = project.command("stop", "--target", "lab")
    assert (nobody.returncode, "no drill runs" in nobody.stderr) == (4, True)


def stopped(project: ToyProject, how: Any) -> dict[str, Any]:
    """The result of a drill that was stopped while its fault stood."""
    run = project.start()
    project.wait_for_event("watching")
    at = time.monotonic()
    how()
    wait_until(lambda: not project.fault.exists(), 10, "the fault still stood")
    print(f"healed {time.monotonic() - at:.2f} s after the stop")
    run.communicate(timeout=60)
    assert run.returncode == 11
    assert project.journal().sound
    return project.result()


BAD = {
    "two ways": (
        '[[guards.ask]]\nname = "abc"\nrun = ["true"]\nhttp = { url = "http://x/" }',
        "need one",
    ),
    "no way": ('[[stop_when]]\nname = "abc"', "asks nothing; need one"),
    "no time": ('[guards]\nfreeze = [{ why = "always" }]', "says no time"),
    "turned round": (
        '[guards]\nfreeze = [{ why = "xxx", first = 2026-02-01, last = 2026-01-01 }]',
        "is before first",
    ),
    "an hour no clock shows": (
        '[guards]\nfreeze = [{ why = "xxx", hours = "25:00-26:00" }]',
        "hour",
    ),
    "an unknown zone": ('[guards]\ntime_zone = "Mars/Base"', "is no time zone"),
    "a misspelt day": ('[guards]\nfreeze = [{ why = "xxx", days = ["friday"] }]', "fri"),
    "percent": ("[guards]\nmost_percent = 500", "100"),
}


@pytest.mark.parametrize(("profile", "said"), BAD.values(), ids=BAD)
def test_a_guard_with_a_mistake_is_refused_with_its_file(
    tmp_path: Path, profile: str, said: str
) -> None:
    done = guarded(tmp_path, profile).command("check", "features", "--target", "lab")
    assert done.returncode == 4
    assert "targets/lab.toml" in done.stderr + done.stdout
    assert said in done.stderr + done.stdout
