"""Faults by name, known from their files without importing them."""

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args, get_type_hints

from firemarshal.bad_input import BadInput, Mistakes, did_you_mean
from firemarshal.fault import Fault

VERBS = ("aim", "inject", "bit", "heal")
IS_FAULT = re.compile(rb"^FAULT\b", re.MULTILINE)
GIVEN_BY_KEEPER = ("configuration", "secrets")


@dataclass(frozen=True)
class FaultFile:
    """A fault as the compiler sees it: its facts and the arguments that `aim` takes."""

    name: str
    module: str
    path: Path
    facts: Fault
    knobs: tuple[str, ...]
    required: tuple[str, ...]
    sha256: str


class Catalogue:
    """The faults of the packages that the project names; BadInput where two share a name."""

    def __init__(self, packages: Iterable[str]) -> None:
        self._paths: dict[str, tuple[str, Path]] = {}
        self._read: dict[str, FaultFile] = {}
        mistakes = Mistakes()
        for name, module, path in _files(packages, mistakes):
            first = self._paths.setdefault(name, (module, path))
            if first[1] != path:
                what = f"fault {name!r} stands twice, first in {first[1]}"
                mistakes.note(what, where=str(path), cure="rename one")
        mistakes.tell()

    @property
    def names(self) -> list[str]:
        """All of them, sorted."""
        return sorted(self._paths)

    def find(self, name: str, where: str) -> FaultFile:
        """The fault of that name; BadInput when there is none or its file breaks the contract."""
        if name not in self._paths:
            near = did_you_mean(name, self._paths) or "`firemarshal faults` lists them all"
            raise BadInput(f"fault {name!r} is unknown", where=where, cure=near)
        if name not in self._read:
            self._read[name] = _read(name, *self._paths[name])
        return self._read[name]


def _files(packages: Iterable[str], mistakes: Mistakes) -> Iterator[tuple[str, str, Path]]:
    for package in packages:
        for folder in _folders(package, mistakes):
            for path in sorted(folder.glob("**/*.py")):
                parts = path.relative_to(folder).with_suffix("").parts
                if not path.name.startswith("_") and IS_FAULT.search(path.read_bytes()):
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


def _read(name: str, module: str, path: Path) -> FaultFile:
    data = path.read_bytes()
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError) as problem:
        where = f"{path}:{getattr(problem, 'lineno', None) or 1}"
        told = getattr(problem, "msg", str(problem))
        raise BadInput(f"fault {name!r} is not Python: {told}", where=where) from None
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    mistakes = Mistakes()
    if missing := [verb for verb in VERBS if verb not in functions]:
        mistakes.note(
            f"fault {name!r} has no {', '.join(missing)}",
            where=f"{path}:1",
            cure=f"every fault has {', '.join(VERBS)}, each a plain function",
        )
    with mistakes.noted():
        facts = _facts(name, path, tree)
    mistakes.tell()
    knobs, required = _arguments(functions["aim"])
    return FaultFile(name, module, path, facts, knobs, required, hashlib.sha256(data).hexdigest())


def _facts(name: str, path: Path, tree: ast.Module) -> Fault:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if not any(isinstance(one, ast.Name) and one.id == "FAULT" for one in targets):
            continue
        call = getattr(node, "value", None)
        try:
            if not isinstance(call, ast.Call) or call.args:
                raise ValueError("it is not a call of Fault with keywords only")
            words = {one.arg or "**": ast.literal_eval(one.value) for one in call.keywords}
            return _checked(Fault(**words))
        except (ValueError, TypeError) as problem:
            raise BadInput(
                f"FAULT of {name!r} cannot be read: {_plain(problem)}",
                where=f"{path}:{node.lineno}",
                cure="write FAULT = Fault(kinds=..., does=..., lasts=...) with literals only",
            ) from None
    raise BadInput(
        f"fault {name!r} has no FAULT = Fault(...)",
        where=f"{path}:1",
        cure="write it at the top of the module",
    )


def _checked(fault: Fault) -> Fault:
    """The same fault; ValueError where a fact is of the wrong type and would mislead a guard."""
    for name in ("kinds", "needs"):
        value: Any = getattr(fault, name)
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise ValueError(f"{name} is {value!r}, need a tuple of texts")
    allowed = get_args(get_type_hints(Fault)["lasts"])
    if fault.lasts not in allowed:
        raise ValueError(f"lasts is {fault.lasts!r}, need one of {', '.join(map(repr, allowed))}")
    if not fault.kinds:
        raise ValueError("kinds is empty, so it could harm nothing")
    return fault


def _plain(problem: Exception) -> str:
    text = str(problem).removeprefix("Fault.__init__() ")
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
