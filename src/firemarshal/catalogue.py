"""Faults by name, known from their files without importing them."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from firemarshal.bad_input import BadInput, did_you_mean
from firemarshal.fault import Fault

VERBS = ("aim", "inject", "bit", "heal")


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
    """The faults of the packages that the project names."""

    def __init__(self, packages: Iterable[str]) -> None:
        self._paths = {name: (module, path) for name, module, path in _files(packages)}
        self._read: dict[str, FaultFile] = {}

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


def _files(packages: Iterable[str]) -> Iterator[tuple[str, str, Path]]:
    for package in packages:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            for path in sorted(Path(folder).glob("**/*.py")):
                parts = path.relative_to(folder).with_suffix("").parts
                if not path.name.startswith("_") and "FAULT" in path.read_text(encoding="utf-8"):
                    yield ".".join(parts), ".".join((package, *parts)), path


def _read(name: str, module: str, path: Path) -> FaultFile:
    text = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(text)
    except SyntaxError as problem:
        raise BadInput(f"fault {name!r} is not Python: {problem.msg}", where=f"{path}") from None
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if missing := [verb for verb in VERBS if verb not in functions]:
        raise BadInput(
            f"fault {name!r} has no {', '.join(missing)}",
            where=str(path),
            cure="every fault has aim, inject, bit and heal",
        )
    knobs, required = _arguments(functions["aim"])
    digest = hashlib.sha256(text.encode()).hexdigest()
    return FaultFile(name, module, path, _facts(name, path, tree), knobs, required, digest)


def _facts(name: str, path: Path, tree: ast.Module) -> Fault:
    for node in tree.body:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        if any(isinstance(one, ast.Name) and one.id == "FAULT" for one in node.targets):
            try:
                words = {one.arg or "": ast.literal_eval(one.value) for one in node.value.keywords}
                return Fault(**words)
            except (ValueError, TypeError) as problem:
                raise BadInput(
                    f"FAULT of {name!r} cannot be read: {problem}",
                    where=f"{path}:{node.lineno}",
                    cure="write it with keywords and literals only",
                ) from None
    raise BadInput(f"fault {name!r} has no FAULT = Fault(...)", where=str(path))


def _arguments(aim: ast.FunctionDef) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = [one.arg for one in (*aim.args.args, *aim.args.kwonlyargs)]
    with_default = {one.arg for one in aim.args.args[len(aim.args.args) - len(aim.args.defaults) :]}
    with_default |= {
        one.arg
        for one, default in zip(aim.args.kwonlyargs, aim.args.kw_defaults, strict=True)
        if default is not None
    }
    knobs = tuple(name for name in names if name not in ("configuration", "secrets"))
    return knobs, tuple(name for name in knobs if name not in with_default)
