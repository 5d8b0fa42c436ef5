"""Kinds of system by name: a folder of a package that the project names, with its two modules."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from firemarshal.bad_input import BadInput, Mistakes

OURS = ("firemarshal.probes",)
SETTINGS, SYSTEM = "settings", "system"


def homes(packages: Iterable[str] = OURS) -> dict[str, str]:
    """Every kind and its package, such as "firemarshal.probes.postgres"; nothing is imported.

    Raises BadInput for a package that is not there, and where two share a kind.
    """
    found: dict[str, str] = {}
    mistakes = Mistakes()
    for package in dict.fromkeys(packages):
        with mistakes.noted():
            for folder in _folders(package):
                for path in sorted(folder.glob(f"*/{SETTINGS}.py")):
                    kind = path.parent.name
                    first = found.setdefault(kind, f"{package}.{kind}")
                    if first != f"{package}.{kind}":
                        what = f"kind {kind!r} stands twice, first in {first}"
                        mistakes.note(what, where=str(path), cure="rename one")
    mistakes.tell()
    return found


def module_of(system: dict[str, Any], name: str = SYSTEM) -> str:
    """A module of the system's kind, by its table; one that no profile made is of our own."""
    home = system.get("module") or f"{OURS[0]}.{system['kind']}"
    return f"{home}.{name}"


def _folders(package: str) -> list[Path]:
    try:
        spec = find_spec(package)
    except (ModuleNotFoundError, ValueError):
        spec = None
    folders = [Path(one) for one in (spec.submodule_search_locations or [])] if spec else []
    if not folders:
        raise BadInput(
            f"there is no package {package!r} of kinds",
            where="pyproject.toml [tool.firemarshal]",
            cure="correct its name or put it, a folder, beside pyproject.toml",
        )
    return folders
