"""Feature files as pytest modules: one test a scenario, compiled before it can run."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_bdd.parser import Scenario as RenderedScenario

from firemarshal import gherkin
from firemarshal.bad_input import BadInput, Mistakes
from firemarshal.compile import House, compile_scenario
from firemarshal.drill import Drill
from firemarshal.tags import MUST_BE_INVALID, MUST_FAIL, PLAN

HOUSE = pytest.StashKey[House]()
BAD_INPUT = pytest.StashKey[list[str]]()
DRIVE = pytest.StashKey[Any]()
ROW = "firemarshal_row"


@dataclass(frozen=True)
class Compiled:
    """A drill and pytest-bdd's own form of its scenario, for the hooks of other plugins."""

    drill: Drill
    scenario: RenderedScenario


class FeatureFile(pytest.Module):
    """A `.feature` file; dropping it into a folder is all it takes to be collected."""

    def _getobj(self) -> ModuleType:
        module = ModuleType(self.path.stem)
        module.__file__ = str(self.path)
        for name, function in _functions(self, module.__name__):
            setattr(module, name, function)
        return module

    def _importtestmodule(self) -> ModuleType:
        return self._getobj()

    def collect(self) -> Iterable[Any]:
        """The scenarios as items; a mistake is told once, in full, and stops the whole run."""
        if not self.config.stash[HOUSE].drills_in(self.path):
            return []
        try:
            items = list(super().collect())
        except BadInput as problem:
            self.config.stash[BAD_INPUT].append(problem.message)
            raise self.CollectError(problem.message) from None
        for item in items:
            _place(item)
        return items


def drill_of(item: pytest.Item | pytest.Collector) -> Compiled | None:
    """The compiled drill behind an item; None for an ordinary test."""
    rows = getattr(getattr(item, "function", None), "firemarshal_rows", None)
    if rows is None:
        return None
    spec = getattr(item, "callspec", None)
    compiled: Compiled = rows[spec.params[ROW] if spec else 0]
    return compiled


def _place(item: Any) -> None:
    """Failures and skips point to the scenario in the feature file, not to our code."""
    if compiled := drill_of(item):
        drill = compiled.drill
        title = f"{drill.feature}: {drill.name}"
        item.reportinfo = lambda: (item.path, drill.line - 1, title)


def compile_file(house: House, path: Path) -> list[tuple[gherkin.Written, list[Compiled]]]:
    """Every scenario of a file with the drills of its rows; BadInput tells all its mistakes."""
    text = gherkin.read(path, house.rootdir)
    mistakes = Mistakes()
    mistakes.found += text.mistakes
    found: dict[str, tuple[gherkin.Written, list[Compiled]]] = {}
    for written in text.scenarios:
        rows: list[Compiled] = []
        for row in range(len(written.rows)):
            with mistakes.noted():
                scenario, rendered = gherkin.rendered(text, written, row)
                rows.append(Compiled(compile_scenario(house, scenario), rendered))
        name = _test_name(written)
        if name in found:
            mistakes.note(
                f"scenario {written.template.name!r} differs from another one by signs only",
                where=f"{text.file}:{written.template.line_number}",
                cure="rename one",
            )
        found[name] = (written, rows)
    mistakes.tell()
    return list(found.values())


def _functions(file: FeatureFile, module: str) -> Iterable[tuple[str, Any]]:
    for written, rows in compile_file(file.config.stash[HOUSE], file.path):
        name = _test_name(written)
        yield name, _function(name, module, written, rows)


def _test_name(written: gherkin.Written) -> str:
    return "test_" + re.sub(r"\W+", "_", written.template.name).strip("_").lower()


def _function(name: str, module: str, written: gherkin.Written, rows: list[Compiled]) -> Any:
    if written.outline:

        def test(request: pytest.FixtureRequest, firemarshal_row: int) -> None:
            _drive(request, rows[firemarshal_row])

        cases = [
            pytest.param(number, id=row.id, marks=_marks(row.tags))
            for number, row in enumerate(written.rows)
        ]
        test = pytest.mark.parametrize(ROW, cases)(test)
    else:

        def test(request: pytest.FixtureRequest) -> None:  # type: ignore[misc]
            _drive(request, rows[0])

    shared = frozenset.intersection(*(frozenset(row.drill.tags) for row in rows))
    for mark in _marks(shared):
        test = mark(test)
    test.__name__ = test.__qualname__ = name
    test.__module__, test.__doc__ = module, rows[0].drill.feature
    test.__test__ = True  # type: ignore[attr-defined]
    test.firemarshal_rows = rows  # type: ignore[attr-defined]
    return test


def _drive(request: pytest.FixtureRequest, compiled: Compiled) -> None:
    drive = request.config.stash.get(DRIVE, None)
    if drive is None:  # --continue-on-collection-errors: nothing was opened, so nothing may act
        pytest.skip("NOT RUN: another feature of this run could not be compiled")
    drive(request, compiled)


def _marks(tags: Iterable[str]) -> list[pytest.MarkDecorator]:
    return [_mark(tag) for tag in sorted(tags)]


def _mark(tag: str) -> pytest.MarkDecorator:
    """A tag as a mark that `-m` can select: @plan:DS-1a becomes plan(id="DS-1a")."""
    if found := PLAN.match(tag):
        return pytest.mark.plan(id=found["clause"])
    if found := MUST_FAIL.match(tag):
        return pytest.mark.must_fail(objective=found["objective"], least=int(found["least"]))
    if found := MUST_BE_INVALID.match(tag):
        return pytest.mark.must_be_invalid(code=found["code"])
    mark: pytest.MarkDecorator = getattr(pytest.mark, tag)
    return mark
