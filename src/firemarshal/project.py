"""Where a repository keeps its words, faults and plans: `[tool.firemarshal]` in pyproject.toml."""

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from firemarshal import catalogue, plan, vocabulary
from firemarshal.bad_input import BadInput
from firemarshal.compile import House
from firemarshal.kinds import OURS
from firemarshal.runbook import Runbooks
from firemarshal.target import Table, Tag, Target, read_toml, validated
from firemarshal.target import load as load_target


class Packages(Table):
    """The table; the defaults serve a repository with only features/, targets/ and plans/.

    `features` are the folders that hold drills, for a repository whose other feature files belong
    to an ordinary pytest-bdd suite; by default every feature file that pytest is given is a drill.
    """

    steps: tuple[str, ...] = ("firemarshal.drills",)
    faults: tuple[str, ...] = ("firemarshal.actions",)
    kinds: tuple[str, ...] = OURS
    plans: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True)
class Project:
    """A root folder and what it names; knows every path that firemarshal writes to."""

    rootdir: Path
    packages: Packages

    @property
    def state(self) -> Path:
        """Undo files and locks."""
        return self.rootdir / ".firemarshal" / "state"

    @property
    def lab(self) -> Path:
        """The embedded lab's folders, one a system."""
        return self.rootdir / ".firemarshal" / "lab"

    @property
    def rehearsals(self) -> Path:
        """What rehearsals found, one folder each."""
        return self.rootdir / ".firemarshal" / "rehearsals"

    @property
    def runs(self) -> Path:
        """One folder a run, and `latest`."""
        return self.rootdir / "runs"

    def importable(self) -> None:
        """Let the packages that the project names be found beside its pyproject.toml."""
        if str(self.rootdir) not in sys.path:
            sys.path.append(str(self.rootdir))

    def target(self, name: str) -> Target:
        """The profile `targets/<name>.toml`; raises BadInput, contacts nothing."""
        self.importable()
        return load_target(name, self.rootdir, self.packages.kinds)

    def house(self, target: Target) -> House:
        """All that a compilation reads; imports steps, reads faults and plans, acts on nothing."""
        self.importable()
        return House(
            self.rootdir,
            vocabulary.load(self.packages.steps),
            catalogue.Catalogue(self.packages.faults),
            catalogue.Recoveries(self.packages.faults),
            plan.load_all(self.plan_folders()),
            self.runbooks(),
            target,
            self.packages.tags,
            tuple(self.rootdir / one for one in self.packages.features),
        )

    def runbooks(self) -> Runbooks:
        """The runbooks, which lie in a folder of that name beside the plans."""
        return Runbooks(one / "runbooks" for one in self.plan_folders())

    def plan_folders(self) -> list[Path]:
        """The repository's own plans; those of the package only where it has none."""
        named = [self.rootdir / one for one in self.packages.plans]
        if named:
            return named
        own = self.rootdir / "plans"
        return [own] if own.is_dir() else _packaged_plans()


def load(rootdir: Path) -> Project:
    """The project of a root folder; BadInput names the key that is wrong."""
    path = rootdir / "pyproject.toml"
    table = read_toml(path).get("tool", {}).get("firemarshal", {}) if path.exists() else {}
    if not isinstance(table, dict):
        where, cure = f"{path} [tool.firemarshal]", "write it as [tool.firemarshal]"
        raise BadInput("is no table", where=where, cure=cure)
    return Project(rootdir, validated(Packages, table, where=f"{path} [tool.firemarshal]"))


def _packaged_plans() -> list[Path]:
    spec = find_spec("firemarshal.plans")
    return [Path(one) for one in (spec.submodule_search_locations or [])] if spec else []
