"""Target profiles: which systems may be drilled, how they are reached, and within what limits."""

import re
import tomllib
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    SerializeAsAny,
    ValidationError,
    model_validator,
)

from firemarshal import kinds
from firemarshal.bad_input import BadInput, Mistakes, did_you_mean
from firemarshal.guards import Guards, StopWhen
from firemarshal.mistaken import mistakes_in
from firemarshal.tables import Table as Table

NAME = r"^[a-z][a-z0-9-]{0,40}$"
PYTESTS_OWN = ("skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings")


def _tag(word: str) -> str:
    """A word that `-m` can select; pytest's own marks would skip a drill or launder its verdict."""
    if word in PYTESTS_OWN or not re.fullmatch(r"[^\W_][\w.-]*", word):
        raise ValueError(f"{word!r} cannot be a tag: need a plain word that is no mark of pytest's")
    return word


Tag = Annotated[str, AfterValidator(_tag)]


class Host(Table):
    """How a member's machine is reached; `name` is what members say in `host`."""

    name: str
    via: Literal["local", "ssh"]
    address: str = ""
    port: int = Field(default=22, ge=1, le=65535)
    user: str = ""
    identity_file: str = ""
    known_hosts_file: str = ""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.via == "ssh" and not self.address:
            raise ValueError('a host with via = "ssh" needs an address')
        return self


class Recorder(Table):
    """How hard the recorder may knock: attempts a second, and when an answer comes too late."""

    rate_per_s: int = Field(default=100, ge=1, le=1000)
    attempt_deadline_s: float = Field(default=0.5, gt=0, le=30)
    host_timeout_s: float = Field(default=0.25, gt=0, le=30)
    connections: int = Field(default=60, ge=1, le=1000)
    baseline_s: float = Field(default=3, ge=0.5, le=600)
    window_s: float = Field(default=5, ge=0.5, le=600)


class Person(Table):
    """How the owner of a runbook's step is called: a command that returns at once.

    It finds FIREMARSHAL_STEP, _QUESTION, _OWNER and _DRILL in its environment.
    """

    role: str = Field(min_length=2)
    page: tuple[str, ...] = Field(min_length=1)


class System(Table):
    """What every system has, whatever its kind; kinds add their own keys in `settings.py`.

    `module` is the package of its kind, found by name; a profile does not say it.
    """

    name: str = Field(pattern=NAME)
    kind: str
    module: str = ""
    lab: str = ""
    options: dict[str, str | int | bool] = Field(default_factory=dict)
    identity: dict[str, str] = Field(default_factory=dict)
    hosts: tuple[Host, ...] = (Host(name="local", via="local"),)
    recorder: Recorder = Recorder()

    @model_validator(mode="after")
    def _members_are_reachable(self) -> Self:
        members = getattr(self, "members", None)
        hosts = [host.name for host in self.hosts]
        for kind, found in (("host", hosts), ("member", [one.name for one in members or ()])):
            if twice := sorted({one for one in found if found.count(one) > 1}):
                raise ValueError(f"{kind} {twice[0]!r} stands twice; rename one")
        if members is not None and not members:
            raise ValueError("members is empty; a drill needs somebody to harm and to watch")
        for member in members or ():
            if member.host not in hosts:
                near = did_you_mean(member.host, hosts) or f"hosts here: {', '.join(hosts)}"
                raise ValueError(f"member {member.name!r} names no host {member.host!r}; {near}")
        return self


NO_SYSTEM = System(name="none", kind="none")


class Target(Table):
    """One profile: `targets/<name>.toml`; its limits hold for every drill on it.

    `watch_beyond_s` is how long past its RTO a system that is not back is watched (at least twice
    the RTO), `give_up_after_s` the longest watch, `max_hold_s` the longest time any fault may
    stand, `heal_within_s` how long healing is tried.
    """

    name: str = Field(pattern=NAME)
    environment: Literal["lab", "staging", "production"]
    negative_controls: bool = False
    give_up_after_s: float = Field(default=600, gt=0)
    watch_beyond_s: float = Field(default=60, gt=0)
    max_hold_s: float = Field(default=900, gt=0)
    heal_within_s: float = Field(default=60, gt=0)
    tags: tuple[Tag, ...] = ()
    people: tuple[Person, ...] = ()
    guards: Guards = Guards()
    stop_when: tuple[StopWhen, ...] = ()
    systems: tuple[SerializeAsAny[System], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _lab_only(self) -> Self:
        if self.negative_controls and self.environment != "lab":
            raise ValueError('negative_controls = true is for environment = "lab" only')
        nameless = [one.name for one in self.systems if not one.identity and not one.lab]
        if nameless and self.environment != "lab":
            raise ValueError(
                f"system {nameless[0]!r} has no identity, so another one behind its address "
                "could be harmed; pin what it answers, such as its system_identifier"
            )
        if self.give_up_after_s > self.max_hold_s:
            raise ValueError("give_up_after_s must not be longer than max_hold_s")
        return self

    def system(self, name: str) -> System | None:
        """The system of that name, None when the profile has none."""
        return next((system for system in self.systems if system.name == name), None)


def load(name: str, rootdir: Path, packages: Iterable[str] = kinds.OURS) -> Target:
    """Read `targets/<name>.toml` under the root, or the path itself when it ends in `.toml`.

    `packages` hold the kinds of system. Raises BadInput with file and key for every mistake;
    nothing of the target is contacted.
    """
    path = Path(name) if name.endswith(".toml") else rootdir / "targets" / f"{name}.toml"
    table = read_toml(path, missing=_no_profile(name, rootdir))
    systems = table.pop("systems", [])
    if not isinstance(systems, list) or not all(isinstance(one, dict) for one in systems):
        raise BadInput("systems must be written as [[systems]] tables", where=str(path))
    if not systems:
        cure = "add a [[systems]] table"
        raise BadInput("names no system to drill", where=str(path), cure=cure)
    homes = kinds.homes(packages)
    mistakes = Mistakes()
    models: list[System] = []
    for number, one in enumerate(systems):
        with mistakes.noted():
            models.append(system_model(one, f"{path}: systems[{number}]{_named(one)}", homes))
    whole = {**table, "systems": models if len(models) == len(systems) else [NO_SYSTEM]}
    with mistakes.noted():
        validated(Target, whole, where=str(path))
    names = [one.get("name") for one in systems]
    for twice in {one for one in names if one and names.count(one) > 1}:
        mistakes.note(f"system {twice!r} stands twice", where=str(path), cure="rename one")
    mistakes.tell()
    return Target.model_validate(whole)


def _named(table: dict[str, Any]) -> str:
    return f" {table['name']!r}" if isinstance(table.get("name"), str) else ""


def system_model(table: dict[str, Any], where: str, homes: dict[str, str] | None = None) -> System:
    """A system's table checked against its kind; `homes` are the kinds and their packages."""
    homes, kind = homes or kinds.homes(), table.get("kind", "")
    if not isinstance(kind, str) or kind not in homes:
        known = f"known kinds: {', '.join(sorted(homes))}"
        what = f"kind {kind!r} is unknown" if "kind" in table else "key 'kind' is missing"
        raise BadInput(what, where=where, cure=did_you_mean(str(kind), homes) or known)
    if "module" in table:
        cure = "name its package under kinds in [tool.firemarshal] of pyproject.toml"
        raise BadInput("key 'module' is not for profiles", where=where, cure=cure)
    whole = {**table, "module": homes[kind]}
    if table.get("lab") and "members" not in table:
        return validated(System, whole, where)
    return _of_its_kind(whole, where)


def completed(table: dict[str, Any], where: str) -> System:
    """A system of the lab once it is up: its table checked again, now with all that it has."""
    return _of_its_kind(table, where)


def _of_its_kind(table: dict[str, Any], where: str) -> System:
    settings: type[System] = import_module(f"{table['module']}.{kinds.SETTINGS}").Settings
    return validated(settings, table, where)


def find_spec_safely(module: str) -> bool:
    """Whether a module exists, without importing more than its parents."""
    try:
        return find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):
        return False


def read_toml(path: Path, missing: str = "") -> dict[str, Any]:
    """A TOML file as a table; BadInput names the file and the place of the mistake."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"there is no such file{missing}", where=str(path)) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(f"cannot be read: {problem}", where=str(path)) from None
    except tomllib.TOMLDecodeError as problem:
        told, _, place = str(problem).partition(" (at ")
        line = re.match(r"line (\d+)", place)
        where = f"{path}:{line[1]}" if line else str(path)
        raise BadInput(f"is not TOML: {told}", where=where, cure="see https://toml.io") from None


ModelOf = TypeVar("ModelOf", bound=BaseModel)


def validated(model: type[ModelOf], table: dict[str, Any], where: str) -> ModelOf:
    """The table as a model; every mistake in it is named in one BadInput, with its key.

    A value that may hold a secret is never repeated.
    """
    try:
        return model.model_validate(table)
    except ValidationError as problem:
        mistakes = Mistakes()
        for what, cure in mistakes_in(model, problem):
            mistakes.note(what, where=where, cure=cure)
        raise mistakes.together from None


def _no_profile(name: str, rootdir: Path) -> str:
    names = sorted(path.stem for path in (rootdir / "targets").glob("*.toml"))
    near = did_you_mean(name, names)
    return f"; {near}" if near else f"; profiles here: {', '.join(names) or 'none'}"
