"""The pytest plugin: asleep without `--target`; with it, feature files become drills."""

import sys
from collections.abc import Generator
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from firemarshal.bad_input import BadInput

EXIT_BAD_INPUT, EXIT_NOT_CLEAN, EXIT_ABORTED = 4, 20, 11
LAUNDERERS = ("rerunfailures", "flaky", "xdist")
RUN = pytest.StashKey[Any]()
VERDICT_WORDS = {
    "PASSED": ("passed", ".", "PASSED"),
    "FAILED": ("failed", "F", "FAILED"),
    "INVALID": ("error", "I", "INVALID"),
    "ABORTED": ("error", "A", "ABORTED"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--target` is the only switch; there is no default and no environment variable."""
    group = parser.getgroup("firemarshal", "fire drills")
    group.addoption(
        "--target",
        metavar="NAME",
        help="drill this target: targets/NAME.toml, or a path; without it nothing is collected",
    )

    group.addoption(
        "--rehearse",
        action="store_true",
        help="say what the drills would do to whom, and touch nothing",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Wake up only where a target is named; mistakes in profile and plans end it here.

    First of all plugins, so that a folder for results that cannot be made is our clear message.
    """
    if not config.getoption("--target"):
        return
    _refuse_launderers(config)
    try:
        drills = Drills(config)
        config.pluginmanager.register(drills, "firemarshal-drills")
        if config.getoption("--rehearse"):
            rehearsing = import_module("firemarshal.rehearsing")
            rehearsals = rehearsing.Rehearsals(drills, import_module("firemarshal.lab"))
            config.pluginmanager.register(rehearsals, "firemarshal-rehearsals")
    except BadInput as problem:
        raise pytest.UsageError(problem.message) from None


def _refuse_launderers(config: pytest.Config) -> None:
    for name in LAUNDERERS:
        active = config.pluginmanager.hasplugin(name)
        if name == "xdist":
            active = bool(getattr(config.option, "numprocesses", None))
        if active:
            raise pytest.UsageError(
                f"pytest plugin {name!r} would rerun or lose drills; "
                f"run them without it: -p no:{name}"
            )


class Drills:
    """The hooks of a run with a target."""

    def __init__(self, config: pytest.Config) -> None:
        project = import_module("firemarshal.project").load(Path(config.rootpath))
        target = project.target(config.getoption("--target"))
        if target.environment == "production":
            raise BadInput(
                "drilling production needs guards and approvals that this version does not have",
                where=f"target {target.name!r}",
                cure="drill a staging system",
            )
        self.collecting = import_module("firemarshal.collecting")
        self.signals = import_module("firemarshal.signals").Signals()
        self.config, self.project, self.target = config, project, target
        house = project.house(target)
        config.stash[self.collecting.HOUSE] = house
        config.stash[self.collecting.BAD_INPUT] = []
        self.run: Any = None
        self.progress: Any = None
        self.results: list[Any] = []
        self.driven: set[str] = set()
        self.refused = ""
        allure = import_module("firemarshal.reports.allure_live")
        self.allure = allure.LiveAllure(config, project.rootdir)
        for mark in _marks(house):
            config.addinivalue_line("markers", mark)

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Any:
        """Collect feature files, each once: the links of an editable install are left out."""
        if file_path.suffix != ".feature":
            return None
        real = file_path.resolve()
        if real != file_path and real.is_relative_to(self.config.rootpath):
            return None
        return self.collecting.FeatureFile.from_parent(parent, path=file_path)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Around all drills: lab and keepers' house, signals, and what still stands."""
        drills = [one.drill for one in map(self.collecting.drill_of, session.items) if one]
        asleep = session.config.option.collectonly or session.config.getoption("--rehearse")
        if asleep or not drills or self._bad_input():
            return (yield)
        terminal = import_module("firemarshal.terminal")
        running = import_module("firemarshal.running")
        scenario = import_module("firemarshal.scenario")
        self.progress = terminal.Progress(*output_of(self.config))
        lab = import_module("firemarshal.lab")
        self.run = running.Run(self.project, self.target, self.signals, self.progress, lab)
        self.config.stash[self.collecting.DRIVE] = lambda request, one: self._drive(
            session, scenario, request, one
        )
        self.allure.hush(self.config)
        self.signals.install()
        try:
            self._refuse_standing()
            self.run.open(drills)
            return (yield)
        except BadInput as problem:
            self.refused = problem.message
            raise pytest.UsageError(problem.message) from None
        finally:
            self.signals.in_drill = True
            self._tell_not_reached(session)
            self.run.close()
            self._summarise()
            self.signals.restore()

    def _tell_not_reached(self, session: pytest.Session) -> None:
        """JUnit and Allure must hold every drill that was planned, also after Ctrl-C."""
        for item in session.items:
            compiled = self.collecting.drill_of(item)
            if compiled is None or item.nodeid in self.driven:
                continue
            result = self.run.not_reached(compiled.drill)
            for when, outcome in (("setup", "skipped"), ("teardown", "passed")):
                self.config.hook.pytest_runtest_logreport(
                    report=_report(item, result, when, outcome)
                )

    def _bad_input(self) -> bool:
        """No drill runs beside a feature that could not be compiled."""
        return bool(self.config.stash[self.collecting.BAD_INPUT])

    def _refuse_standing(self) -> None:
        standing = self.run.standing()
        if not standing:
            return
        self.refused = f"target {self.target.name!r} is NOT CLEAN"
        for line in (
            f"{self.refused}, an earlier drill left faults:",
            *(f"  {name}: {', '.join(faults)}" for name, faults in standing.items()),
            f"no drill starts before: firemarshal heal --target {self.target.name}",
        ):
            self.progress.line(line, "red")
        raise pytest.exit.Exception(self.refused, EXIT_NOT_CLEAN)

    def _drive(self, session: pytest.Session, scenario: Any, request: Any, compiled: Any) -> None:
        self.driven.add(request.node.nodeid)
        try:
            scenario.drive(self.run, request, compiled)
        finally:
            if self.signals.received:
                session.shouldstop = f"{self.signals.received[0]} received; healed first"

    def _summarise(self) -> None:
        """Every report of the run; one that cannot be written is told and costs no verdict."""
        folder = self.run.folder if self.run else None
        if folder is None or not (folder / "run.json").exists():
            return
        self.results = import_module("firemarshal.reports.summary").read_results(folder)
        reports = import_module("firemarshal.reports.rebuild")
        try:
            reports.keep(folder, self.project.plan_folders())
            reports.rebuild(folder, self.allure.into, replace=self.allure.replace)
        except BadInput as problem:
            self.progress.line(f"reports: {problem.message}")
        except Exception as defect:  # noqa: BLE001 - no page may cost the verdicts' exit code
            told = f"{type(defect).__name__}: {defect}"
            self.progress.line(f"reports: a defect ({told}), see firemarshal report {folder.name}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """INVALID and ABORTED are errors of the drill, not failures of the system."""
        report = yield
        verdict = dict(item.user_properties).get("verdict")
        if report.failed and verdict in ("INVALID", "ABORTED"):
            report.when = "setup"
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """The drill's own word; a control that came out as it must says so."""
        found = dict(getattr(report, "user_properties", ()))
        verdict = str(found.get("verdict", ""))
        if verdict not in VERDICT_WORDS or report.when == "teardown" or report.skipped:
            return None
        if report.when == "setup" and not report.failed:
            return None
        if report.passed and verdict != "PASSED":
            return "passed", "c", f"{verdict}, AS IT MUST"
        if report.failed and verdict == "PASSED":
            clean = found.get("target_after") != "NOT CLEAN"
            return "failed", "F", "PASSED, though it must not" if clean else "NOT CLEAN"
        return VERDICT_WORDS[verdict]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """The exit code that pytest and `firemarshal run` share."""
        code = self._exit_code(int(session.exitstatus))
        session.exitstatus = code

    def _exit_code(self, pytests: int) -> int:
        if self._bad_input() or (self.refused and pytests != EXIT_NOT_CLEAN):
            return EXIT_BAD_INPUT
        if self.run is None or pytests in (3, 4, EXIT_NOT_CLEAN):
            return pytests
        summary = import_module("firemarshal.reports.summary")
        ours: int = summary.exit_code(self.results, self.target.environment)
        ended = self.signals.received or self.run.stopped
        if ended and ours != EXIT_NOT_CLEAN:
            return EXIT_ABORTED
        return ours or pytests if pytests != 5 else ours

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """One table, the state of the target, and where the evidence lies."""
        if self.results:
            closing = import_module("firemarshal.closing").closing
            closing(self.results, self.run.folder, _out(terminalreporter))


def _report(item: pytest.Item, result: Any, when: Any, outcome: Any) -> pytest.TestReport:
    path, line, _ = item.location
    why = f"Skipped: NOT RUN ({result['code']}): {result['why']}"
    longrepr = (str(path), line or 0, why) if outcome == "skipped" else None
    properties = import_module("firemarshal.scenario").properties(result)
    keywords: Any = dict.fromkeys(item.keywords, 1)
    return pytest.TestReport(
        item.nodeid, item.location, keywords, outcome, longrepr, when, user_properties=properties
    )


def _marks(house: Any) -> list[str]:
    words = import_module("firemarshal.tags").known(house.tags, house.target)
    named = [
        "plan(id): the clause of the recovery plan that a drill serves",
        "must_fail(objective, least): a negative control that must miss an objective",
        "must_be_invalid(code): a negative control that must come out INVALID",
    ]
    return [*named, *(f"{word}: a tag of features" for word in words)]


def _out(reporter: Any) -> Any:
    return reporter._tw._file


def output_of(config: pytest.Config) -> tuple[Any, Any, Any]:
    """Where progress goes, how to go around pytest's capture, and how to begin a fresh line."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    around = capture.global_and_fixture_disabled if capture else nullcontext
    if reporter is None:
        return sys.stderr, around, lambda: None

    def fresh_line() -> None:
        reporter.ensure_newline()
        if reporter._tw.width_of_current_line:  # a letter that pytest wrote after our last line
            reporter._tw.line()

    return _out(reporter), around, fresh_line
