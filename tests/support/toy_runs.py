"""Two runs of the toy in which every verdict comes out, for tests of what is told about them."""

import os
import signal
import time
from pathlib import Path

from toy_project import ToyProject

ALL = """
@null
Feature: Everything that can come out

  Scenario: passes
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request for 1 second
    Then writes return within 10 seconds
    And no acknowledged write is lost

  Scenario: =fails, and tells the loss all the same
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request for 1 second
    Then writes return within 500 ms
    And no acknowledged write is lost

  @must-fail:lost>=5
  Scenario: Control: the toy forgets
    Given "toy" is healthy
    And clients write steadily
    When "toy" forgets what it acknowledges for 1 second
    Then no acknowledged write is lost

  Scenario: aimed at nothing
    Given "toy" is healthy
    And clients write steadily
    And nobody restarts "toy"
    And nobody restarts "toy"
    When "toy" refuses every request for 1 second
    Then writes return within 2 seconds

  Scenario: another kind
    Given "toy" is healthy
    And clients write steadily
    When the primary of "toy" is killed
    Then writes return within 2 seconds
"""
STANDS = """
@null
Feature: Somebody presses Ctrl-C

  Scenario: ended by a signal
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request
    Then writes return within 20 seconds

  Scenario: never reached
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request
    Then writes return within 20 seconds
"""
IN_ORDER = '[tool.pytest.ini_options]\naddopts = "-p no:randomly"\n'
ORDINARY = "def test_ordinary():\n    pass\n"


def every_verdict(root: Path) -> ToyProject:
    """PASSED, FAILED, a control, INVALID and NOT RUN in one run, an ordinary test beside them."""
    project = ToyProject(root, ALL)
    (root / "test_ordinary.py").write_text(ORDINARY)
    words = ("run", "features", "test_ordinary.py", "--target", "lab", "--alluredir", "allure")
    (root / "pyproject.toml").write_text(IN_ORDER)
    done = project.command(*words)
    assert done.returncode == 1, done.stdout + done.stderr
    return project


def interrupted(root: Path) -> ToyProject:
    """ABORTED by Ctrl-C, and a drill that was never reached."""
    project = ToyProject(root, STANDS, watch_beyond_s=20)
    (root / "pyproject.toml").write_text(IN_ORDER)
    running = project.start()
    project.wait_for_event("disaster")
    time.sleep(0.2)
    os.kill(running.pid, signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 11
    return project
