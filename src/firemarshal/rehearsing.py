"""Rehearsing instead of drilling: the same collection, and then only looking and telling."""

from importlib import import_module
from typing import Any

import pytest

from firemarshal import rehearsal
from firemarshal.bad_input import BadInput
from firemarshal.healing import in_the_way

EXIT_REFUSED = 11


class Rehearsals:
    """Takes the place of the loop that would run the drills; `drills` is the plugin of a run.

    `lab` is handed in, because the kernel knows no room.
    """

    def __init__(self, drills: Any, lab: Any) -> None:
        self.drills, self.lab = drills, lab
        self.refused = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Look, tell, keep; nothing is asked of any test."""
        plugin = self.drills
        of = plugin.collecting.drill_of
        found = [one.drill for one in map(of, session.items) if one]
        if not found or plugin.config.stash[plugin.collecting.BAD_INPUT]:
            return None
        terminal = import_module("firemarshal.terminal")
        running = import_module("firemarshal.running")
        output = import_module("firemarshal.plugin").output_of(session.config)
        progress = terminal.Progress(*output)
        run = running.Run(plugin.project, plugin.target, plugin.signals, progress, self.lab)
        plugin.signals.install()
        try:
            self._rehearse(run, found, progress)
        except BadInput as problem:
            raise pytest.UsageError(problem.message) from None
        finally:
            run.close()
            plugin.signals.restore()
        return True

    def _rehearse(self, run: Any, drills: list[Any], progress: Any) -> None:
        run.rehearsed = found = []
        if lines := in_the_way(run.project, run.target.name):
            self.refused = True
            progress.line("a drill would be refused now, and a lab under it is left alone:")
            for line in lines:
                progress.line(f"  {line}", wrap=False)
            return
        run.open(drills)
        for number, drill in enumerate(drills, start=1):
            if run.signals.received:
                break
            found.append(run.rehearse(drill))
            progress.line("")
            for line in rehearsal.text_of(found[-1], f"{number}/{len(drills)} "):
                progress.line(line, wrap="by hand:" not in line, set_in=8)
        self.refused = any(map(rehearsal.refused, found))
        kept = rehearsal.keep(run.folder, run.target.name, found)
        progress.line("")
        progress.line(f"nothing was touched; as JSON: {kept}", wrap=False)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """0, or 11 where a drill would be refused as things are now."""
        if session.exitstatus in (0, 5):
            session.exitstatus = EXIT_REFUSED if self.refused else 0
