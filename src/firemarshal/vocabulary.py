"""The words a feature may use: step definitions found in packages, looked up by shape."""

import difflib
import inspect
import pkgutil
import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_bdd import parsers
from pytest_bdd.steps import step_function_context_registry

from firemarshal.bad_input import BadInput, Mistakes
from firemarshal.declare import Declaration

VARIABLE = re.compile(r'"[^"]*"|\d+')
PLACEHOLDER = re.compile(r"\{[^}]*\}|<[^>]*>")
ARGUMENT = re.compile(r'"?\{[^}]*\}"?')


@dataclass(frozen=True)
class StepDefinition:
    """One sentence and the function that turns it into a declaration."""

    keyword: str
    text: str
    function: Callable[..., object]
    parser: parsers.StepParser
    converters: dict[str, Callable[[str], object]]

    @property
    def where(self) -> str:
        """`file:line` of the function."""
        code = self.function.__code__
        return f"{code.co_filename}:{code.co_firstlineno}"

    @property
    def short(self) -> str:
        """`where` without its folders, for messages."""
        return _short(self.where)

    @cached_property
    def anchor(self) -> str:
        """The longest piece of the sentence that no argument can change; decides look-ups fast."""
        if isinstance(self.parser, parsers.re):
            text = _literal_start(self.parser.regex)
        elif isinstance(self.parser, parsers.parse | parsers.string):
            text = PLACEHOLDER.sub("\0", self.text)
        else:
            return ""
        return max(re.split(r'["\d\0]+', text), key=len)

    def arguments(self, text: str) -> dict[str, Any] | None:
        """The arguments in the text, converted; None when the sentence is another one.

        ValueError when the sentence is this one and a value in it cannot be read.
        """
        if not self.parser.is_matching(text):
            return None
        found = self.parser.parse_arguments(text) or {}
        try:
            return {name: self._converted(name, value) for name, value in found.items()}
        except (LookupError, TypeError) as problem:
            raise ValueError(str(problem)) from None

    def unreadable(self, text: str) -> str:
        """Why a value in the text cannot be read, "" when the sentence is another one."""
        try:
            if isinstance(self.parser, parsers.parse):
                self.parser.parser.parse(text)  # is_matching says "no" to a bad value as well
            self.arguments(text)
        except ValueError as problem:
            return str(problem)
        return ""

    def fits(self, text: str) -> bool:
        """Whether the sentence is this one, whatever its values are worth."""
        return self.parser.is_matching(text)

    def _converted(self, name: str, value: Any) -> Any:
        return self.converters[name](value) if name in self.converters else value


class Vocabulary:
    """All definitions of a run; only the first look-up of a sentence reads through all of them."""

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
        found = _fitting(self._near[shape], text) or _fitting(self._of(keyword), text)
        if not found:
            raise self._unknown(keyword, text, where)
        if len(found) > 1:
            places = ", ".join(definition.short for definition, _ in found)
            raise BadInput(
                f"{text!r} fits {len(found)} steps",
                where=where,
                cure=f"make one differ: {places}",
            )
        self._known[keyword, text] = found[0]
        return found[0]

    def _of(self, keyword: str) -> list[StepDefinition]:
        return [one for one in self.definitions if one.keyword in (keyword, "")]

    def _unknown(self, keyword: str, text: str, where: str) -> BadInput:
        told = (one.unreadable(text) for one in self._of(keyword))
        if why := next(filter(None, told), ""):
            return BadInput(f"{text!r} cannot be read: {why}", where=where)
        elsewhere = next((one for one in self.definitions if one.fits(text)), None)
        if elsewhere:
            cure = f"it is a {elsewhere.keyword.title()} step, {elsewhere.short}"
        else:
            shapes = {_readable(one.text): one.text for one in self._of(keyword)}
            shape = VARIABLE.sub("…", text)
            found = difflib.get_close_matches(shape, shapes, n=1, cutoff=0.6)
            cure = f"did you mean {shapes[found[0]]!r}?" if found else ""
        cure = cure or "`firemarshal steps` lists them all"
        return BadInput(f"no {keyword.title()} step reads {text!r}", where=where, cure=cure)


def _fitting(
    definitions: Iterable[StepDefinition], text: str
) -> list[tuple[StepDefinition, dict[str, Any]]]:
    found = []
    for definition in definitions:
        try:
            arguments = definition.arguments(text)
        except ValueError:
            continue  # told by _unknown, unless another definition reads the text
        if arguments is not None:
            found.append((definition, arguments))
    return found


def declare(definition: StepDefinition, arguments: dict[str, Any], where: str) -> Declaration:
    """What the step says; BadInput when it says nothing, acts asynchronously or breaks."""
    text, function = definition.text, definition.function
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    if any(is_kind(function) for is_kind in kinds):
        raise BadInput(
            f"step {text!r} is async or yields; a step only declares",
            where=definition.short,
            cure="return a declaration from a plain function",
        )
    try:
        said = function(**arguments)
    except Exception as problem:  # a stranger's step: whatever it raises is told, with its place
        raise BadInput(
            f"step {text!r} broke: {type(problem).__name__}: {problem}",
            where=where,
            cure=f"repair it in {_last_place(problem, definition)}",
        ) from problem
    if not isinstance(said, Declaration):
        raise BadInput(
            f"step {text!r} returned {said!r:.60} and so declares nothing",
            where=definition.short,
            cure="return one of the values of firemarshal.declare",
        )
    return said


def _last_place(problem: BaseException, definition: StepDefinition) -> str:
    """Where in the step's own file it broke."""
    file = definition.function.__code__.co_filename
    frames = traceback.extract_tb(problem.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    return _short(f"{file}:{lines[-1]}") if lines else definition.short


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
    root = _import(package)
    folders = getattr(root, "__path__", [])
    names = [name for _, name, _ in pkgutil.walk_packages(folders, f"{package}.")]
    for name in names:
        _import(name)
    return [package, *names]


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except Exception as problem:  # a stranger's module: whatever it raises is told, with its place
        absent = getattr(problem, "name", "") if isinstance(problem, ModuleNotFoundError) else ""
        if absent and f"{name}.".startswith(f"{absent}."):
            cure = "correct its name or put it beside pyproject.toml"
        else:
            cure = f"repair {_broken_at(problem)}"
        raise BadInput(
            f"the steps of {name!r} cannot be imported: {type(problem).__name__}: {problem}",
            where="pyproject.toml [tool.firemarshal]",
            cure=cure,
        ) from problem


def _broken_at(problem: Exception) -> str:
    if isinstance(problem, SyntaxError):
        return _short(f"{problem.filename}:{problem.lineno}")
    last = traceback.extract_tb(problem.__traceback__)[-1]
    return _short(f"{last.filename}:{last.lineno}")


def _refuse_twins(definitions: list[StepDefinition]) -> None:
    first: dict[tuple[str, str], StepDefinition] = {}
    mistakes = Mistakes()
    for one in definitions:
        earlier = first.setdefault((one.keyword, ARGUMENT.sub("…", one.text)), one)
        if earlier is not one:
            mistakes.note(
                f"step {one.text!r} is defined twice, first at {earlier.short}",
                where=one.short,
                cure="one sentence, one meaning: rename or remove one",
            )
    mistakes.tell()


def _readable(text: str) -> str:
    return VARIABLE.sub("…", ARGUMENT.sub("…", text))


def _literal_start(regex: re.Pattern[str]) -> str:
    """What every match begins with; "" where that is hard to tell, so that it is always tried."""
    if regex.flags & re.IGNORECASE or "|" in regex.pattern:
        return ""
    found = re.match(r"[^.^$*+?{}\[\]\\()]*", regex.pattern)
    start = found[0] if found else ""
    optional = regex.pattern[len(start) : len(start) + 1] in ("*", "?", "{")
    return start[:-1] if optional else start


def _short(where: str) -> str:
    """`file:line`, from the current folder where the file lies below it."""
    path, _, line = where.rpartition(":")
    here = Path.cwd()
    found = Path(path).relative_to(here) if Path(path).is_relative_to(here) else path
    return f"{found}:{line}"
