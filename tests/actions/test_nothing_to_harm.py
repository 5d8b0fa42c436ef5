"""A fault that finds nothing to harm makes the drill invalid, never a pass."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROFILE = """
name = "bench"
environment = "lab"
negative_controls = true

[[systems]]
name = "toy"
kind = "null"
lab = "null"
recorder = { baseline_s = 0.9, window_s = 0.5 }
"""
FEATURE = """
Feature: Aimed at nothing
  @must-be-invalid:aimed-at-nothing
  Scenario: It stands already
    Given "toy" is healthy
    And clients write steadily
    And "toy" refuses requests already
    When "toy" refuses every request
    Then writes return within 1 second
"""


def test_the_keeper_refuses_an_empty_aim(tmp_path: Path) -> None:
    for name, text in {
        "targets/bench.toml": PROFILE,
        "features/nothing.feature": FEATURE,
        "pyproject.toml": "[tool.pytest.ini_options]\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    words = ["-m", "firemarshal.cli", "run", "features", "--target", "bench"]
    clean = {key: one for key, one in os.environ.items() if not key.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env=clean,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "runs/latest/summary.json").read_text())
    (drill,) = summary["drills"]
    assert (drill["verdict"], drill["code"]) == ("INVALID", "aimed-at-nothing")
    assert (drill["injected"], drill["target_after"]) == (False, "as found")
    assert "null.refuse found nothing to harm" in drill["why"]
