"""What a recorder is told: one JSON file, checked before anything is opened."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


class BadSpec(Exception):
    """The spec, or something that it names, cannot be used; the text says what and the cure."""


@dataclass(frozen=True, slots=True)
class Spec:
    """How to watch; `endpoint` is for the client of `module` alone and may hold a secret."""

    ledger: str
    module: str
    endpoint: dict[str, Any]
    name: str
    rate_per_s: float
    attempt_deadline_s: float
    host_timeout_s: float
    connections: int
    max_life_s: float
    parent_pid: int

    @property
    def capacity(self) -> int:
        """Room for every tick of the longest life, and a little more."""
        return int(self.rate_per_s * self.max_life_s) + 16

    @classmethod
    def load(cls, path: Path) -> "Spec":
        """Read and check a spec. Raises BadSpec."""
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise BadSpec(f"the spec {path} cannot be read: {error}") from error
        if not isinstance(found, dict):
            raise BadSpec(f"the spec {path} is no JSON object")
        kinds = {field.name: field.type for field in fields(cls)}
        if missing := sorted(kinds.keys() - found.keys()):
            raise BadSpec(f"the spec {path} lacks {', '.join(missing)}")
        if unknown := sorted(found.keys() - kinds.keys()):
            raise BadSpec(f"the spec {path} has unknown keys: {', '.join(unknown)}")
        for key, kind in kinds.items():
            _check(path, key, found[key], kind)
        return cls(**found)


def _check(path: Path, key: str, value: object, kind: object) -> None:
    allowed: tuple[type, ...] = (dict,)
    if kind is str:
        allowed = (str,)
    elif kind is float:
        allowed = (int, float)
    elif kind is int:
        allowed = (int,)
    if not isinstance(value, allowed) or isinstance(value, bool):
        raise BadSpec(f"{key} = {value!r} in the spec {path} must be {allowed[-1].__name__}")
    if isinstance(value, int | float) and not 0 < value < 1e9:
        raise BadSpec(f"{key} = {value!r} in the spec {path} must be above 0")
