"""Target profiles: which systems may be drilled, how they are reached, and within what limits."""

import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    model_validator,
)

from firemarshal.bad_input import BadInput, did_you_mean

NAME = r"^[a-z][a-z0-9-]{0,40}$"


class Table(BaseModel):
    """A table of a profile or plan: unknown keys are refused, because a typo must not be lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


class System(Table):
    """What every system has, whatever its kind; kinds add their own keys in `settings.py`."""

    name: str = Field(pattern=NAME)
    kind: str
    lab: str = ""
    options: dict[str, str | int | bool] = Field(default_factory=dict)
    identity: dict[str, str] = Field(default_factory=dict)
    hosts: tuple[Host, ...] = (Host(name="local", via="local"),)
    recorder: Recorder = Recorder()


class Target(Table):
    """One profile: `targets/<name>.toml`; its limits hold for every drill on it.

    `watch_beyond_s` is how long past its RTO a system that is not back is watched (at least twice
    the RTO), `give_up_after_s` the longest watch, `max_hold_s` the longest time any fault may
    stand, `shorten` gives shorter durations for clauses, printed with both figures.
    """

    name: str = Field(pattern=NAME)
    environment: Literal["lab", "staging", "production"]
    negative_controls: bool = False
    give_up_after_s: float = Field(default=600, gt=0)
    watch_beyond_s: float = Field(default=60, gt=0)
    max_hold_s: float = Field(default=900, gt=0)
    heal_within_s: float = Field(default=60, gt=0)
    shorten: dict[str, float] = Field(default_factory=dict)
    tags: tuple[str, ...] = ()
    systems: tuple[SerializeAsAny[System], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _lab_only(self) -> Self:
        if self.negative_controls and self.environment != "lab":
            raise ValueError('negative_controls = true is for environment = "lab" only')
        if self.give_up_after_s > self.max_hold_s:
            raise ValueError("give_up_after_s must not be longer than max_hold_s")
        return self

    def system(self, name: str) -> System | None:
        """The system of that name, None when the profile has none."""
        return next((system for system in self.systems if system.name == name), None)


def load(name: str, rootdir: Path) -> Target:
    """Read `targets/<name>.toml` under the root, or the path itself when it ends in `.toml`.

    Raises BadInput with file and key; nothing of the target is contacted.
    """
    path = Path(name) if name.endswith(".toml") else rootdir / "targets" / f"{name}.toml"
    table = read_toml(path, missing=_no_profile(name, rootdir))
    systems = table.pop("systems", [])
    if not isinstance(systems, list) or not all(isinstance(one, dict) for one in systems):
        raise BadInput("systems must be written as [[systems]] tables", where=str(path))
    models = [system_model(one, where=f"{path}: systems[{n}]") for n, one in enumerate(systems)]
    target = validated(Target, {**table, "systems": models}, where=str(path))
    names = [system.name for system in target.systems]
    if twice := {one for one in names if names.count(one) > 1}:
        raise BadInput(f"system {min(twice)!r} stands twice", where=str(path), cure="rename one")
    return target


def system_model(table: dict[str, Any], where: str) -> System:
    """A system's table checked against its kind; one made by the lab is checked again once up."""
    kind = str(table.get("kind", ""))
    if not find_spec_safely(f"firemarshal.probes.{kind}.settings"):
        known = ", ".join(kinds())
        raise BadInput(
            f"kind {kind!r} is unknown",
            where=where,
            cure=did_you_mean(kind, kinds()) or f"known kinds: {known}",
        )
    if table.get("lab") and "members" not in table:
        return validated(System, table, where)
    settings: type[System] = import_module(f"firemarshal.probes.{kind}.settings").Settings
    return validated(settings, table, where)


def kinds() -> list[str]:
    """The kinds of system that this installation knows: the folders of `probes` with settings."""
    spec = find_spec("firemarshal.probes")
    folders = list(spec.submodule_search_locations or []) if spec else []
    return sorted(path.parent.name for one in folders for path in Path(one).glob("*/settings.py"))


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
        raise BadInput(f"is not TOML: {problem}", where=str(path)) from None


ModelOf = TypeVar("ModelOf", bound=BaseModel)


def validated(model: type[ModelOf], table: dict[str, Any], where: str) -> ModelOf:
    """The table as a model; every mistake in it is named in one BadInput, with its key."""
    try:
        return model.model_validate(table)
    except ValidationError as problem:
        mistakes = [_mistake(model, error) for error in problem.errors()]
        raise BadInput("\n  ".join(mistakes), where=where) from None


def _mistake(model: type[BaseModel], error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "the table"
    if error["type"] == "extra_forbidden":
        near = did_you_mean(str(error["loc"][-1]), model.model_fields)
        return f"key {key!r} is unknown; {near or 'remove it'}"
    if error["type"] == "missing":
        return f"key {key!r} is missing; add it"
    if "password" in key:
        return f"key {key!r}: {error['msg']}"
    return f"key {key!r}: {error['msg']} (found {error['input']!r:.80})"


def _no_profile(name: str, rootdir: Path) -> str:
    names = sorted(path.stem for path in (rootdir / "targets").glob("*.toml"))
    near = did_you_mean(name, names)
    return f"; {near}" if near else f"; profiles here: {', '.join(names) or 'none'}"
