"""The words a feature may use: step definitions found in packages, looked up by shape."""

import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from pytest_bdd.parsers import StepParser
from pytest_bdd.steps import step_function_context_registry

from firemarshal.bad_input import BadInput, did_you_mean
from firemarshal.declare import Declaration

VARIABLE = re.compile(r'"[^"]*"|\d+')
PLACEHOLDER = re.compile(r"\{[^}]*\}|<[^>]*>|\(\?P.*")


@dataclass(frozen=True)
class StepDefinition:
    """One sentence and the function that turns it into a declaration."""

    keyword: str
    text: str
    function: Callable[..., object]
    parser: StepParser
    converters: dict[str, Callable[[str], object]]

    @property
    def where(self) -> str:
        """`file:line` of the function."""
        code = self.function.__code__
        return f"{code.co_filename}:{code.co_firstlineno}"

    @cached_property
    def anchor(self) -> str:
        """The longest piece of the sentence that no argument can change; decides look-ups fast."""
        pieces = (
            piece for part in PLACEHOLDER.split(self.text) for piece in re.split(r'["\d]+', part)
        )
        return max(pieces, key=len, default="")

    def arguments(self, text: str, where: str) -> dict[str, Any] | None:
        """The arguments in the text, converted; None when the sentence is another one."""
        try:
            if not self.parser.is_matching(text):
                return None
            found = self.parser.parse_arguments(text) or {}
            return {name: self._converted(name, value) for name, value in found.items()}
        except (ValueError, TypeError) as problem:
            raise BadInput(f"{text!r}: {problem}", where=where) from None

    def _converted(self, name: str, value: Any) -> Any:
        return self.converters[name](value) if name in self.converters else value


class Vocabulary:
    """All definitions of a run; a look-up costs the same with 5 definitions and with 500."""

    def __init__(self, definitions: Iterable[StepDefinition]) -> None:
        self.definitions = list(definitions)
        self._near: dict[tuple[str, str], list[StepDefinition]] = {}
        self._known: dict[tuple[str, str], tuple[StepDefinition, dict[str, Any]]] = {}
        _refuse_twins(self.definitions)

    def find(self, keyword: str, text: str, where: str) -> tuple[StepDefinition, dict[str, Any]]:
        """The one definition that reads the text, and its arguments; BadInput for none or two."""
        if known := self._known.get((keyword, text)):
            return known
        shape = (keyword, VARIABLE.sub("0", text))
        if shape not in self._near:
            self._near[shape] = [d for d in self._of(keyword) if d.anchor in shape[1]]
        fitting = [
            (definition, arguments)
            for definition in self._near[shape]
            if (arguments := definition.arguments(text, where)) is not None
        ]
        if not fitting:
            raise self._unknown(keyword, text, where)
        if len(fitting) > 1:
            places = ", ".join(definition.where for definition, _ in fitting)
            raise BadInput(
                f"{text!r} fits {len(fitting)} steps",
                where=where,
                cure=f"make one differ: {places}",
            )
        self._known[keyword, text] = fitting[0]
        return fitting[0]

    def _of(self, keyword: str) -> list[StepDefinition]:
        return [one for one in self.definitions if one.keyword in (keyword, "")]

    def _unknown(self, keyword: str, text: str, where: str) -> BadInput:
        known = {_readable(one.text): one.text for one in self._of(keyword)}
        near = did_you_mean(VARIABLE.sub("…", text), known)
        elsewhere = [d.keyword for d in self.definitions if d.arguments(text, where) is not None]
        cure = f"it is a {elsewhere[0]!r} step" if elsewhere else near
        cure = cure or "`firemarshal steps` lists them all"
        return BadInput(f"no step {keyword!r} reads {text!r}", where=where, cure=cure)


def declare(definition: StepDefinition, arguments: dict[str, Any], where: str) -> Declaration:
    """What the step says; BadInput when it says nothing, acts asynchronously or breaks."""
    if inspect.iscoroutinefunction(definition.function) or inspect.isgeneratorfunction(
        definition.function
    ):
        raise BadInput(
            f"step {definition.text!r} is async or yields; a step only declares",
            where=definition.where,
            cure="return a declaration from a plain function",
        )
    try:
        said = definition.function(**arguments)
    except (TypeError, ValueError) as problem:
        raise BadInput(f"step {definition.text!r}: {problem}", where=where) from None
    if not isinstance(said, Declaration):
        raise BadInput(
            f"step {definition.text!r} returned {said!r:.60} and so declares nothing",
            where=definition.where,
            cure="return one of the values of firemarshal.declare",
        )
    return said


def load(packages: Iterable[str]) -> Vocabulary:
    """Every step definition in the modules of the packages; nothing outside them is heard."""
    modules = {name for package in packages for name in _modules(package)}
    found = [
        StepDefinition(one.type or "", one.parser.name, one.step_func, one.parser, one.converters)
        for one in step_function_context_registry.values()
        if one.step_func.__module__ in modules
    ]
    found.sort(key=lambda one: one.where)
    return Vocabulary(found)


def _modules(package: str) -> list[str]:
    try:
        root = import_module(package)
    except ModuleNotFoundError as problem:
        raise BadInput(
            f"the package {package!r} of steps cannot be imported: {problem}",
            where="pyproject.toml [tool.firemarshal]",
            cure="correct its name or put it beside pyproject.toml",
        ) from None
    names = [
        name for _, name, _ in pkgutil.walk_packages(getattr(root, "__path__", []), f"{package}.")
    ]
    for name in names:
        import_module(name)
    return [package, *names]


def _refuse_twins(definitions: list[StepDefinition]) -> None:
    first: dict[tuple[str, str], StepDefinition] = {}
    for one in definitions:
        earlier = first.setdefault((one.keyword, _readable(one.text)), one)
        if earlier is not one:
            raise BadInput(
                f"step {one.text!r} is defined twice, first at {_short(earlier.where)}",
                where=_short(one.where),
                cure="one sentence, one meaning: rename or remove one",
            )


def _readable(text: str) -> str:
    return VARIABLE.sub("…", re.sub(r'"?\{[^}]*\}"?', "…", text))


def _short(where: str) -> str:
    path, _, line = where.rpartition(":")
    return f"{Path(path).name}:{line}"
