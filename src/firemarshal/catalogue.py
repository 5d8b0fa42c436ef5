"""Faults and recoveries by name, known from their files without importing them."""

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from firemarshal.bad_input import BadInput, Mistakes, did_you_mean
from firemarshal.fault import Fault, Recovery

GIVEN_BY_KEEPER = ("configuration", "secrets")
Facts = TypeVar("Facts", Fault, Recovery)


@dataclass(frozen=True)
class Sort(Generic[Facts]):
    """What tells faults from recoveries: the word, the constant of the facts, and the verbs."""

    word: str
    facts: type[Facts]
    verbs: tuple[str, ...]

    @property
    def constant(self) -> str:
        """The name that stands at the top of such a file: FAULT, RECOVERY."""
        return self.word.upper()


FAULT = Sort("fault", Fault, ("aim", "inject", "bit", "heal"))
RECOVERY = Sort("recovery", Recovery, ("aim", "perform", "done", "remove"))


@dataclass(frozen=True)
class ActionFile(Generic[Facts]):
    """A fault or recovery as the compiler sees it: its facts and the arguments `aim` takes."""

    name: str
    module: str
    path: Path
    facts: Facts
    knobs: tuple[str, ...]
    required: tuple[str, ...]
    sha256: str


FaultFile = ActionFile[Fault]
RecoveryFile = ActionFile[Recovery]


class Actions(Generic[Facts]):
    """All files of one sort in the packages that the project names; BadInput for a name twice."""

    def __init__(self, sort: Sort[Facts], packages: Iterable[str]) -> None:
        self._sort: Sort[Facts] = sort
        self._paths: dict[str, tuple[str, Path]] = {}
        self._read: dict[str, ActionFile[Facts]] = {}
        mistakes = Mistakes()
        for name, module, path in _files(sort.constant, packages, mistakes):
            first = self._paths.setdefault(name, (module, path))
            if first[1] != path:
                what = f"{sort.word} {name!r} stands twice, first in {first[1]}"
                mistakes.note(what, where=str(path), cure="rename one")
        mistakes.tell()

    @property
    def names(self) -> list[str]:
        """All of them, sorted."""
        return sorted(self._paths)

    def find(self, name: str, where: str) -> ActionFile[Facts]:
        """The one of that name; BadInput when there is none or its file breaks the contract."""
        word = self._sort.word
        if name not in self._paths:
            command = {"fault": "faults", "recovery": "recoveries"}[word]
            near = did_you_mean(name, self._paths) or f"`firemarshal {command}` lists them all"
            raise BadInput(f"{word} {name!r} is unknown", where=where, cure=near)
        if name not in self._read:
            self._read[name] = _read(self._sort, name, *self._paths[name])
        return self._read[name]


class Catalogue(Actions[Fault]):
    """The faults of the packages that the project names."""

    def __init__(self, packages: Iterable[str]) -> None:
        super().__init__(FAULT, packages)


class Recoveries(Actions[Recovery]):
    """The recoveries of the packages that the project names."""

    def __init__(self, packages: Iterable[str]) -> None:
        super().__init__(RECOVERY, packages)


def _files(
    constant: str, packages: Iterable[str], mistakes: Mistakes
) -> Iterator[tuple[str, str, Path]]:
    marked = re.compile(rf"^{constant}\b".encode(), re.MULTILINE)
    for package in packages:
        for folder in _folders(package, mistakes):
            for path in sorted(folder.glob("**/*.py")):
                parts = path.relative_to(folder).with_suffix("").parts
                if not path.name.startswith("_") and marked.search(path.read_bytes()):
                    yield ".".join(parts), ".".join((package, *parts)), path


def _folders(package: str, mistakes: Mistakes) -> list[Path]:
    try:
        spec = find_spec(package)
    except ModuleNotFoundError:
        spec = None
    folders = [Path(one) for one in (spec.submodule_search_locations or [])] if spec else []
    if not folders:
        mistakes.note(
            f"there is no package {package!r} of faults",
            where="pyproject.toml [tool.firemarshal]",
            cure="correct its name or put it, a folder, beside pyproject.toml",
        )
    return folders


def _read(sort: Sort[Facts], name: str, module: str, path: Path) -> ActionFile[Facts]:
    data = path.read_bytes()
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError) as problem:
        where = f"{path}:{getattr(problem, 'lineno', None) or 1}"
        told = getattr(problem, "msg", str(problem))
        raise BadInput(f"{sort.word} {name!r} is not Python: {told}", where=where) from None
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    mistakes = Mistakes()
    if missing := [verb for verb in sort.verbs if verb not in functions]:
        mistakes.note(
            f"{sort.word} {name!r} has no {', '.join(missing)}",
            where=f"{path}:1",
            cure=f"every {sort.word} has {', '.join(sort.verbs)}, each a plain function",
        )
    with mistakes.noted():
        facts = _facts(sort, name, path, tree)
    mistakes.tell()
    knobs, required = _arguments(functions["aim"])
    return ActionFile(name, module, path, facts, knobs, required, hashlib.sha256(data).hexdigest())


def _facts(sort: Sort[Facts], name: str, path: Path, tree: ast.Module) -> Facts:
    constant, word = sort.constant, sort.facts.__name__
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if not any(isinstance(one, ast.Name) and one.id == constant for one in targets):
            continue
        call = getattr(node, "value", None)
        try:
            if not isinstance(call, ast.Call) or call.args:
                raise ValueError(f"it is not a call of {word} with keywords only")
            words = {one.arg or "**": ast.literal_eval(one.value) for one in call.keywords}
            return _checked(sort.facts(**words))
        except (ValueError, TypeError) as problem:
            raise BadInput(
                f"{constant} of {name!r} cannot be read: {_plain(problem)}",
                where=f"{path}:{node.lineno}",
                cure=f"write {constant} = {word}({_form(sort.facts)}) with literals only",
            ) from None
    raise BadInput(
        f"{sort.word} {name!r} has no {constant} = {word}(...)",
        where=f"{path}:1",
        cure="write it at the top of the module",
    )


def _form(facts: type[Fault] | type[Recovery]) -> str:
    needed = [one.name for one in fields(facts) if one.default is MISSING]
    return ", ".join(f"{name}=..." for name in needed)


def _checked(facts: Facts) -> Facts:
    """The same facts; ValueError where one is of the wrong type and would mislead a guard."""
    for name in ("kinds", "needs"):
        value: Any = getattr(facts, name)
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise ValueError(f"{name} is {value!r}, need a tuple of texts")
    allowed = get_args(get_type_hints(Fault)["lasts"])
    lasts = getattr(facts, "lasts", allowed[0])
    if lasts not in allowed:
        raise ValueError(f"lasts is {lasts!r}, need one of {', '.join(map(repr, allowed))}")
    if not facts.kinds:
        raise ValueError("kinds is empty, so it could harm nothing")
    return facts


def _plain(problem: Exception) -> str:
    text = re.sub(r"^\w+\.__init__\(\) ", "", str(problem))
    return "a fact is no literal" if text.startswith("malformed node") else text


def _arguments(aim: ast.FunctionDef) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = [one.arg for one in (*aim.args.args, *aim.args.kwonlyargs)]
    with_default = {one.arg for one in aim.args.args[len(aim.args.args) - len(aim.args.defaults) :]}
    with_default |= {
        one.arg
        for one, default in zip(aim.args.kwonlyargs, aim.args.kw_defaults, strict=True)
        if default is not None
    }
    knobs = tuple(name for name in names if name not in GIVEN_BY_KEEPER)
    return knobs, tuple(name for name in knobs if name not in with_default)
