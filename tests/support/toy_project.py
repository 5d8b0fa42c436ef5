"""A project with the toy only, run by the real command, so that endings can be tried on it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from firemarshal import lab
from firemarshal.journal import Reading, read

COMMAND = [sys.executable, "-m", "firemarshal.cli"]
PROFILE = """
name = "lab"
environment = "lab"
negative_controls = true
give_up_after_s = {give_up_after_s}
watch_beyond_s = {watch_beyond_s}
heal_within_s = 5
max_hold_s = {max_hold_s}
[[systems]]
name = "toy"
kind = "null"
lab = "null"
recorder = {{ baseline_s = 0.9, window_s = 0.5 }}
"""
STANDS = """
@null
Feature: Endings
  Scenario: The toy refuses and nobody helps
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request
    Then writes return within 2 seconds
"""


class ToyProject:
    """A folder that a person could have made; everything is done through the command."""

    def __init__(self, root: Path, feature: str = STANDS, **limits: float) -> None:
        self.root = root
        wanted = {"give_up_after_s": 20, "watch_beyond_s": 1, "max_hold_s": 30, **limits}
        for name, text in (
            ("pyproject.toml", ""),
            ("targets/lab.toml", PROFILE.format(**wanted)),
            ("features/toy.feature", feature),
        ):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    @property
    def fault(self) -> Path:
        """The file that is the fault."""
        return self.root / ".firemarshal/lab/toy/fault.refuse"

    def command(self, *words: str, wait_s: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [*COMMAND, *words], cwd=self.root, capture_output=True, text=True, timeout=wait_s
        )

    def start(self) -> "subprocess.Popen[str]":
        """Begin a run, in a session of its own, as a terminal would."""
        return subprocess.Popen(
            [*COMMAND, "run", "features", "--target", "lab"],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def drill(self) -> Path:
        """The folder of the first drill of the newest run."""
        return next((self.root / "runs/latest").resolve().glob("01-*"))

    def journal(self) -> Reading:
        """The keeper's journal as it stands."""
        return read(self.drill() / "journal.jsonl")

    def result(self) -> dict[str, Any]:
        """What the drill left."""
        found: dict[str, Any] = orjson.loads((self.drill() / "verdict.json").read_bytes())
        return found

    def summary(self) -> dict[str, Any]:
        """The run's summary."""
        found: dict[str, Any] = orjson.loads((self.root / "runs/latest/summary.json").read_bytes())
        return found

    def wait_for_event(self, event: str, within_s: float = 30) -> None:
        """Wait until the keeper has journalled an event."""
        wait_until(lambda: self._seen(event), within_s, f"no event {event!r}")

    def _seen(self, event: str) -> bool:
        try:
            return any(line["event"] == event for line in self.journal().lines)
        except (FileNotFoundError, StopIteration):
            return False

    def keeper_pid(self) -> int:
        """The keeper of the first drill."""
        pid: int = self.journal().lines[0]["pid"]
        return pid

    def undos(self) -> list[Path]:
        """Undo files that wait."""
        return sorted((self.root / ".firemarshal/state").glob("*/*/*.undo.json"))

    def processes(self) -> list[str]:
        """Every process that still has this folder in its command line or working folder."""
        return [text for text in map(self._told, Path("/proc").iterdir()) if text]

    def _told(self, entry: Path) -> str:
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            return ""
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            here = str(self.root) in words or (entry / "cwd").readlink() == self.root
        except OSError:
            return ""
        return f"{entry.name} {words}" if here else ""

    def clear(self) -> None:
        """Take the lab down, whatever the test left."""
        assert lab.down(self.root / ".firemarshal/lab/toy", lambda text: None) == []


def wait_until(true: Callable[[], bool], within_s: float, otherwise: str) -> None:
    """Poll; AssertionError when it does not become true in time."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, f"{otherwise} within {within_s} s"
        time.sleep(0.02)
