"""A compiled drill: plain data with a hash, from which everything else is derived."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

SCHEMA = "firemarshal/drill/1"
MOST = 2**53
LAST_SORTED_ALIKE = "\uffff"  # beyond it UTF-8 and UTF-16 sort differently
Json = dict[str, Any]


def canonical(value: Any) -> bytes:
    """JSON that is equal byte for byte wherever it is made: RFC 8785 for what we put in it.

    Holds while there are no floats, integers stay under 2^53 and keys are text of the basic
    plane; anything else raises TypeError, because its text or order differs between languages.
    """
    _refuse(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def sha256(value: Any) -> str:
    """The hash of a value's canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


@dataclass(frozen=True)
class Step:
    """A sentence of the feature and what it declares; `line` in the feature file."""

    keyword: str
    text: str
    line: int
    declaration: Json


@dataclass(frozen=True)
class Promise:
    """One objective to be judged; `limit` in microseconds for durations, else a count.

    Durations are integers so that the drill's hash needs no floats. `of` names the runbook, or
    the step of one as "RUNBOOK/STEP", whose own promise it is.
    """

    id: str
    step: int
    kind: str
    limit: int
    unit: str
    text: str
    system: str
    clause: str = ""
    clause_limit: int | None = None
    clock: str = "fault"
    of: str = ""


@dataclass(frozen=True)
class Drill:
    """What will be done, to which systems, and what was promised; decided before anything runs.

    `control` is None, or what must come out of a negative control; `not_run` is None, or the
    code and reason why this drill cannot run on this target.
    """

    name: str
    feature: str
    file: str
    line: int
    row: str
    tags: tuple[str, ...]
    clauses: tuple[str, ...]
    control: Json | None
    not_run: Json | None
    target: str
    systems: tuple[str, ...]
    faults: dict[str, Json]
    steps: tuple[Step, ...]
    promises: tuple[Promise, ...]
    hashes: dict[str, str] = field(default_factory=dict)
    recoveries: dict[str, Json] = field(default_factory=dict)
    runbooks: dict[str, Json] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """A short name for what the drill makes on the target: [a-z0-9], stable for its content."""
        return "d" + sha256([self.file, self.name, self.row])[:10]

    def as_json(self) -> Json:
        """The value as journal line 1 keeps it."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "feature": self.feature,
            "file": self.file,
            "line": self.line,
            "row": self.row,
            "tags": list(self.tags),
            "clauses": list(self.clauses),
            "control": self.control,
            "not_run": self.not_run,
            "target": self.target,
            "systems": list(self.systems),
            "faults": self.faults,
            "steps": [vars(step) for step in self.steps],
            "promises": [vars(promise) for promise in self.promises],
            "hashes": self.hashes,
            "recoveries": self.recoveries,
            "runbooks": self.runbooks,
            "id": self.id,
        }

    @property
    def sha256(self) -> str:
        """The hash that approvals and the journal refer to."""
        return sha256(self.as_json())


def from_json(value: Json) -> Drill:
    """The drill that `as_json` wrote; KeyError when the schema is another one."""
    if value["schema"] != SCHEMA:
        raise KeyError(f"a drill of schema {value['schema']!r} cannot be read, need {SCHEMA!r}")
    return Drill(
        **{
            key: value[key]
            for key in ("name", "feature", "file", "line", "row", "control", "not_run", "target")
        },
        tags=tuple(value["tags"]),
        clauses=tuple(value["clauses"]),
        systems=tuple(value["systems"]),
        faults=value["faults"],
        steps=tuple(Step(**step) for step in value["steps"]),
        promises=tuple(Promise(**promise) for promise in value["promises"]),
        hashes=value["hashes"],
        recoveries=value.get("recoveries", {}),
        runbooks=value.get("runbooks", {}),
    )


def _refuse(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError(f"{value!r} is a float; evidence holds integers and text only")
    if isinstance(value, int) and abs(value) >= MOST:
        raise TypeError(f"{value!r} is too large for evidence; integers stay under 2^53")
    if isinstance(value, dict):
        for key, one in value.items():
            if not isinstance(key, str) or max(key, default="") > LAST_SORTED_ALIKE:
                raise TypeError(
                    f"evidence cannot hold the key {key!r}: readers would sort it apart"
                )
            _refuse(one)
    elif isinstance(value, list | tuple):
        for one in value:
            _refuse(one)
