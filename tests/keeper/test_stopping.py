"""An order to stop ends the whole run: what was not begun is not begun any more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from toy_project import STANDS, ToyProject, wait_until

SECOND = """
  Scenario: The second
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request for 1 second
    Then writes return within 3 seconds
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[ToyProject]:
    """Two drills, the first of which stands for long enough to be stopped."""
    made = ToyProject(tmp_path, STANDS.replace("2 seconds", "9 seconds") + SECOND)
    yield made
    assert not made.fault.exists()
    made.clear()
    assert made.processes() == []
    assert [*(tmp_path / ".firemarshal/state/.runs").glob("*")] == []


def test_no_further_drill_begins_after_an_order(project: ToyProject) -> None:
    run = project.start()
    project.wait_for_event("watching")
    done = project.command("stop", "--target", "lab", "--why", "customers call")
    assert done.returncode == 0, done.stdout + done.stderr
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 11
    first, second = project.summary()["drills"]
    assert (first["verdict"], first["injected"]) == ("ABORTED", True)
    assert (second["verdict"], second["injected"]) == ("NOT RUN", False)
    assert out.count("customers call") > 1


def test_an_order_that_cannot_be_read_is_one_and_heals(project: ToyProject) -> None:
    run = project.start()
    project.wait_for_event("watching")
    (project.root / ".firemarshal/state/lab/toy/stop.json").write_text('{"a": 1}')
    wait_until(lambda: not project.fault.exists(), 10, "the fault still stood")
    run.communicate(timeout=60)
    assert (run.returncode, project.result()["code"]) == (11, "person")
    assert project.result()["target_after"] == "as found"


def test_an_order_before_the_first_drill_ends_the_run(project: ToyProject) -> None:
    run = project.start()
    runs = project.root / ".firemarshal/state/.runs"
    wait_until(lambda: [*runs.glob("*.run")] != [], 20, "no run")
    done = project.command("stop", "--target", "lab")
    run.communicate(timeout=60)
    assert done.returncode == 0, done.stdout
    assert run.returncode == 11
    assert all(one["verdict"] != "PASSED" for one in project.summary()["drills"])
