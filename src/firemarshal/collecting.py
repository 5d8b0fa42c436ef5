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
from firemarshal.bad_input import BadInput
from firemarshal.compile import MUST_BE_INVALID, MUST_FAIL, House, compile_scenario
from firemarshal.drill import Drill

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
        try:
            items = list(super().collect())
        except BadInput as problem:
            self.config.stash[BAD_INPUT].append(problem.message)
            raise self.CollectError(problem.message) from None
        return items


def drill_of(item: pytest.Item | pytest.Collector) -> Compiled | None:
    """The compiled drill behind an item; None for an ordinary test."""
    rows = getattr(getattr(item, "function", None), "firemarshal_rows", None)
    if rows is None:
        return None
    spec = getattr(item, "callspec", None)
    compiled: Compiled = rows[spec.params[ROW] if spec else 0]
    return compiled


def _functions(file: FeatureFile, module: str) -> Iterable[tuple[str, Any]]:
    house = file.config.stash[HOUSE]
    text = gherkin.read(file.path, Path(file.config.rootpath))
    problems: list[str] = []
    found: dict[str, Any] = {}
    for written in text.scenarios:
        try:
            rows = [_compiled(house, text, written, row) for row in range(len(written.rows))]
            name = "test_" + _identifier(written.template.name)
            if name in found:
                raise BadInput(
                    f"scenario {written.template.name!r} differs from another one by signs only",
                    where=f"{text.file}:{written.template.line_number}",
                    cure="rename one",
                )
            found[name] = _function(name, module, written, rows)
        except BadInput as problem:
            problems.append(problem.message)
    if problems:
        raise BadInput("\n".join(problems))
    return found.items()


def _compiled(
    house: House, text: gherkin.FeatureText, written: gherkin.Written, row: int
) -> Compiled:
    scenario, rendered = gherkin.rendered(text, written, row)
    return Compiled(compile_scenario(house, scenario), rendered)


def _function(name: str, module: str, written: gherkin.Written, rows: list[Compiled]) -> Any:
    outline = bool(written.rows[0][1])
    if outline:

        def test(request: pytest.FixtureRequest, firemarshal_row: int) -> None:
            request.config.stash[DRIVE](request, rows[firemarshal_row])

        ids = [row_id for row_id, _, _ in written.rows]
        marks = [_marks(row_tags) for _, _, row_tags in written.rows]
        cases = [
            pytest.param(number, id=row_id, marks=mark)
            for number, (row_id, mark) in enumerate(zip(ids, marks, strict=True))
        ]
        test = pytest.mark.parametrize(ROW, cases)(test)
    else:

        def test(request: pytest.FixtureRequest) -> None:  # type: ignore[misc]
            request.config.stash[DRIVE](request, rows[0])

    shared = frozenset.intersection(*(frozenset(row.drill.tags) for row in rows))
    for mark in _marks(shared):
        test = mark(test)
    test.__name__ = test.__qualname__ = name
    test.__module__, test.__doc__ = module, rows[0].drill.feature
    test.__test__ = True  # type: ignore[attr-defined]
    test.firemarshal_rows = rows  # type: ignore[attr-defined]
    return test


def _marks(tags: Iterable[str]) -> list[pytest.MarkDecorator]:
    return [_mark(tag) for tag in sorted(tags)]


def _mark(tag: str) -> pytest.MarkDecorator:
    """A tag as a mark that `-m` can select: @plan:DS-1a becomes plan(id="DS-1a")."""
    if tag.startswith("plan:"):
        return pytest.mark.plan(id=tag.removeprefix("plan:"))
    if found := MUST_FAIL.match(tag):
        return pytest.mark.must_fail(objective=found["objective"], least=int(found["least"]))
    if found := MUST_BE_INVALID.match(tag):
        return pytest.mark.must_be_invalid(code=found["code"])
    mark: pytest.MarkDecorator = getattr(pytest.mark, tag)
    return mark


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").lower()
