"""Allure during a run: our results where `--alluredir` says, and no second set by allure-pytest.

allure-pytest tells a drill that Ctrl-C ended as passed, and one never reached not at all; so what
it knows of our items is dropped, and all of it is written from the run folder at the end.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from firemarshal.bad_input import BadInput
from firemarshal.collecting import drill_of

DEFAULT = "allure-results"
LISTENER = "allure_listener"


class LiveAllure:
    """Where this run's results go; a folder that nobody named holds the newest run only.

    Made before allure-pytest makes its folder, which ends in a traceback where it cannot.
    """

    def __init__(self, config: pytest.Config, rootdir: Path) -> None:
        named = getattr(config.option, "allure_report_dir", None)
        self.into = Path(named).absolute() if named else rootdir / DEFAULT
        self.replace = not named
        self._listener: Any = None
        self._ours: set[str] = set()
        if named:
            self._make()

    def _make(self) -> None:
        try:
            self.into.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise BadInput(
                f"Allure results cannot be written there: {problem.strerror}",
                where=f"--alluredir {self.into}",
                cure="name a folder that you may write to",
            ) from None

    def hush(self, config: pytest.Config) -> None:
        """Keep allure-pytest from reporting drills; tests of an ordinary suite stay its own."""
        self._listener = config.pluginmanager.get_plugin(LISTENER)
        if self._listener is None:
            return
        from allure_commons import plugin_manager
        from allure_commons.logger import AllureFileLogger

        for one in plugin_manager.get_plugins():
            if isinstance(one, AllureFileLogger):
                self._filter(one)
        config.pluginmanager.register(self, "firemarshal-allure")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Learn the id that allure-pytest has just given to a drill."""
        if drill_of(item):
            self._ours.add(self._listener.allure_logger.get_test(None).uuid)
        return (yield)

    def _filter(self, logger: Any) -> None:
        report = logger._report_item

        def report_others(item: Any) -> None:
            children = getattr(item, "children", None)
            if children:
                item.children = [one for one in children if one not in self._ours]
            if item.__dict__.get("uuid") not in self._ours and (item.children if children else 1):
                report(item)

        logger._report_item = report_others
