"""pytest's own output, taken back: a drill is told by its progress and by the run's last lines.

Loaded by `firemarshal run` only. Tests that are no drills keep their dots and tracebacks.
"""

from collections.abc import Generator
from typing import Any

import pytest

Status = tuple[str, str, Any]


def pytest_configure(config: pytest.Config) -> None:
    """No header, and no line of counts: drills are counted by their verdicts."""
    config.option.verbose = min(config.option.verbose, -2)
    config.option.no_header = True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> Generator[None, Status, Status]:
    """No letter for a drill, and a category of its own, which pytest tells nothing more about."""
    found = yield
    verdict = dict(getattr(report, "user_properties", ())).get("verdict")
    return (f"drill {verdict}" if found[0] else "", "", "") if verdict else found


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int) -> None:
    """Silence would look like success: say it where nothing was there to be drilled."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        left_out = len(terminalreporter.stats.get("deselected", []))
        found = f"all {left_out} that were found were deselected" if left_out else "none was found"
        terminalreporter.write_line(f"no drill was run: {found}")
