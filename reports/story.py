"""A run folder as plain data: the one reader that all reports share.

Nothing here raises for a folder that was cut short: what is missing is told in `missing`, because
a half-written run is just the one that somebody will want to read.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from firemarshal.drill import sha256
from firemarshal.journal import Line, Reading, read

NO_VERDICT = "NO VERDICT"
NOT_RUN = "NOT RUN"
KEEPER_JOURNAL = "journal.jsonl"
Json = dict[str, Any]

_DRILL: Json = {
    "name": "",
    "feature": "",
    "file": "",
    "line": 0,
    "row": "",
    "tags": [],
    "clauses": [],
    "control": None,
    "not_run": None,
    "target": "",
    "systems": [],
    "faults": {},
    "steps": [],
    "promises": [],
    "hashes": {},
    "id": "",
}
_RESULT: Json = {
    "verdict": NO_VERDICT,
    "code": "",
    "why": "",
    "as_expected": False,
    "expectation": "",
    "injected": None,
    "target_after": "unknown",
    "target_after_why": [],
    "standing": [],
    "promises": [],
    "phases": [],
    "faults": [],
    "recoveries": [],
    "journal_head": "",
}
RECOVERY: Json = {
    "name": "a recovery",
    "kind": "recovery",
    "system": "",
    "claimed": "",
    "why": "",
    "begun_us": 0,
    "ended_us": 0,
    "steps": [],
}
RECOVERY_STEP: Json = {
    "id": "",
    "kind": "",
    "owner": "",
    "text": "",
    "deadline_us": 0,
    "begun_us": 0,
    "ended_us": 0,
    "outcome": "not begun",
    "answer": "",
    "seq": 0,
}


@dataclass(frozen=True)
class JournalFile:
    """One journal as found on disk; `reading.head` is the hash of its last whole line."""

    name: str
    reading: Reading


@dataclass(frozen=True)
class Drill:
    """One planned drill and what it left; `folder` is None when it never began.

    `drill` is the compiled drill and `result` what `verdict.json` holds, both with every key that
    `_DRILL` and `_RESULT` name. Without a verdict, `result["verdict"]` is NO_VERDICT, and only
    what the journal proves is told. `missing` says in words what should be there and is not.
    """

    number: int
    folder: Path | None
    drill: Json
    result: Json
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The scenario's name, with its row of Examples where it has one."""
        name = str(self.drill["name"] or (self.folder.name if self.folder else "a drill"))
        return f"{name} [{self.drill['row']}]" if self.drill["row"] else name

    @property
    def key(self) -> str:
        """A name for this drill that is unique in its run, fit for an anchor or a file."""
        return self.folder.name if self.folder else f"{self.number:02d}-not-begun"

    @property
    def anchor(self) -> str:
        """The key as a page's anchor; it may hold letters of any script, as anchors may."""
        return "d-" + "".join(one if one.isalnum() else "-" for one in self.key)

    @property
    def verdict(self) -> str:
        """PASSED, FAILED, INVALID, ABORTED, NOT RUN or NO VERDICT."""
        return str(self.result["verdict"])

    @property
    def control(self) -> bool:
        """Whether it is a negative control: a drill that must not pass."""
        return self.drill["control"] is not None

    @property
    def promises(self) -> list[Json]:
        """Every promise with its judgement; one that was never judged has the verdict "unknown".

        `lower` and `upper` are None where nothing was measured, and `seq` 0 where no line of the
        journal judged it.
        """
        judged = {one["id"]: one for one in self.result["promises"]}
        return [_judged_or_open(one, judged) for one in self.drill["promises"]]

    @property
    def recoveries(self) -> list[Json]:
        """What people or their runbooks did, with every key of `RECOVERY` and `RECOVERY_STEP`.

        A step that was begun and never ended counts until the whole ended.
        """
        return [_recovery(one) for one in self.result["recoveries"] or ()]

    @cached_property
    def journals(self) -> tuple[JournalFile, ...]:
        """The keeper's journal first, then those of whoever healed later."""
        if self.folder is None:
            return ()
        paths = sorted(self.folder.glob("journal*.jsonl"), key=_keeper_first)
        return tuple(JournalFile(path.name, read(path)) for path in paths)

    @cached_property
    def lines(self) -> list[Line]:
        """All journals by time; those of another boot come last, their clocks cannot be compared.

        Each line carries `file`, the journal that it stands in, because `seq` counts per file.
        """
        first = next((_boot(one.reading.lines) for one in self.journals), "")
        keyed = [
            ((boot != first, number if boot != first else 0, line["at_us"]), line | {"file": name})
            for number, (name, lines, boot) in enumerate(
                (one.name, one.reading.lines, _boot(one.reading.lines) or first)
                for one in self.journals
            )
            for line in lines
        ]
        return [line for _, line in sorted(keyed, key=lambda one: one[0])]

    def events(self, *names: str) -> list[Line]:
        """The journal's lines of these events, in order."""
        return [line for line in self.lines if line["event"] in names]

    def first(self, name: str, **facts: Any) -> Line | None:
        """The first line of an event whose facts are these; None when there is none."""
        return next(
            (
                one
                for one in self.events(name)
                if all(one.get(key) == value for key, value in facts.items())
            ),
            None,
        )

    def calls(self, activity: str) -> list[Line]:
        """The calls of one verb or probe, such as "capture orders"."""
        return [one for one in self.events("called") if one["activity"] == activity]

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """Why the evidence itself is not whole: broken chains, a head that is not the one kept."""
        found = []
        for one in self.journals:
            if one.reading.broken_at is not None:
                found.append(
                    f"{one.name}: the chain of hashes breaks at line {one.reading.broken_at}"
                )
            if one.reading.torn and one.reading.sealed:
                found.append(f"{one.name}: something stands behind its seal")
        kept = self.result["journal_head"]
        if kept and self.journals and self.journals[0].reading.head != kept:
            found.append(f"{KEEPER_JOURNAL}: its last line is not the one that verdict.json names")
        return tuple(found)

    @property
    def t0(self) -> tuple[int, int] | None:
        """The two ends of T0, microseconds of the boot clock: the disaster, else the recovery."""
        line = self.first("disaster") or self.first("clock starts")
        return (line["t0"][0], line["t0"][1]) if line else None

    @property
    def origin(self) -> str:
        """What T0 is, in words: the fault, or where there was none, the recovery."""
        begun = self.first("clock starts") and not self.first("disaster")
        return "the recovery" if begun else "the fault"

    @property
    def ledgers(self) -> tuple[Path, ...]:
        """The recorders' ledgers, the judged client's among them (`*-client.ledger`)."""
        return tuple(sorted(self.folder.glob("*.ledger"))) if self.folder else ()


@dataclass(frozen=True)
class Run:
    """A whole run; `missing` says in words what the folder lacks.

    `clauses` (id -> text, every, plan) and `previous` (drill id -> its last pass in an earlier
    run) come from `clauses.json` and `previous.json`, which are written while the run still
    knows plans and earlier runs; both are empty where the files are not there.
    """

    folder: Path
    target: str
    environment: str
    drills: tuple[Drill, ...]
    missing: tuple[str, ...] = ()
    clauses: Json = field(default_factory=dict)
    previous: Json = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The run's name, which is its folder's."""
        return self.folder.name

    @cached_property
    def opened(self) -> Line | None:
        """Line 1 of the first journal there is: who ran it, where, with which versions."""
        return next((line for one in self.drills if (line := one.first("opened"))), None)


def read_run(folder: Path) -> Run:
    """Read a run folder; FileNotFoundError when there is none, never for what it lacks."""
    folder = folder.resolve()
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no run folder {folder.name!r}")
    plan, missing = _json(folder / "run.json")
    planned = _planned(folder, plan)
    drills = tuple(_drill(folder, number, one) for number, one in enumerate(planned, start=1))
    about = _first_opened(drills)
    return Run(
        folder,
        str(plan.get("target") or about.get("target") or "unknown"),
        str(plan.get("environment") or "unknown"),
        drills,
        missing,
        _json(folder / "clauses.json")[0].get("clauses", {}),
        _json(folder / "previous.json")[0].get("drills", {}),
    )


def file_hashes(folder: Path, *, deep: bool = True) -> list[tuple[str, int, str]]:
    """(name, bytes, sha256) of the files in a folder, sorted; links are not followed."""
    found = []
    for path in sorted(folder.rglob("*") if deep else folder.iterdir()):
        if not path.is_file() or path.is_symlink():
            continue
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found.append((path.relative_to(folder).as_posix(), path.stat().st_size, digest))
    return found


def _planned(folder: Path, plan: Json) -> list[Json]:
    """What `run.json` planned; without it, the drills' folders and nothing about the others."""
    if plan.get("drills"):
        return list(plan["drills"])
    begun = sorted(one.name for one in folder.iterdir() if (one / KEEPER_JOURNAL).exists())
    return [{"folder": name, "drill": {}} for name in begun]


def _drill(run: Path, number: int, planned: Json) -> Drill:
    folder = run / planned["folder"]
    if not folder.is_dir():
        return Drill(number, None, _DRILL | planned["drill"], _never_began(planned["drill"]))
    left, missing = _json(folder / "verdict.json")
    drill = Drill(number, folder, _DRILL | (planned["drill"] or left.get("drill") or {}), {})
    if left:
        return Drill(number, folder, drill.drill, _RESULT | left)
    opened = drill.first("opened") or {}
    known = drill.drill if planned["drill"] else _DRILL | opened.get("drill", {})
    return Drill(number, folder, known, _from_journal(drill), (*missing, *_torn(drill)))


def _never_began(drill: Json) -> Json:
    reason = drill.get("not_run") or {
        "code": "not-reached",
        "why": "the run ended before this drill",
    }
    return {
        **_RESULT,
        "verdict": NOT_RUN,
        **reason,
        "as_expected": reason["code"] == "controls-not-allowed",
        "expectation": reason["why"],
        "injected": False,
        "target_after": "as found",
    }


def _from_journal(drill: Drill) -> Json:
    """What the journal alone proves; its `result` line is as good as the file."""
    line = drill.first("result")
    if line:
        return _RESULT | {key: value for key, value in line.items() if key in _RESULT}
    last = drill.lines[-1] if drill.lines else None
    where = f"after line {last['seq']} ({last['event']})" if last else "before its first line"
    harmed = drill.events("disaster") or [
        one for one in drill.events("injected") if not one.get("why")
    ]
    judged = [
        {**one["promise"], **{key: one[key] for key in ("lower", "upper", "verdict", "reason")}}
        | {"seq": one["seq"], "note": "", "endpoint": ""}
        for one in drill.events("judged")
    ]
    return {
        **_RESULT,
        "why": f"the journal ends {where}, and no verdict was left",
        "expectation": "no verdict was left",
        "injected": True if harmed else None,
        "promises": judged,
        "faults": list(drill.drill["faults"]),
        "recoveries": [_begun(drill, line) for line in drill.events("recovery begins")],
    }


def _begun(drill: Drill, line: Line) -> Json:
    """A recovery as the journal has it: its own last line, else what stands between."""
    name = line["recovery"]
    for one in drill.events("runbook ended", "recovery ended"):
        if one["name"] == name:
            return {key: one[key] for key in RECOVERY if key in one}
    steps = [one for one in drill.events("step ended") if one["runbook"] == name]
    return {
        "name": name,
        "kind": "runbook" if steps else "recovery",
        "why": "the journal ends before it did",
        "begun_us": line["at"],
        "ended_us": drill.lines[-1]["at_us"],
        "steps": [{key: one[key] for key in RECOVERY_STEP if key in one} for one in steps],
    }


def _torn(drill: Drill) -> tuple[str, ...]:
    if not drill.journals:
        return ("no journal is there",)
    torn = [one.name for one in drill.journals if one.reading.torn]
    cut = [one.name for one in drill.journals if not one.reading.sealed]
    told = [f"{name}: the last line was cut short and is left out" for name in torn]
    return (*told, *(f"{name}: not sealed, its writer did not end in order" for name in cut))


def _judged_or_open(promise: Json, judged: Mapping[str, Json]) -> Json:
    unjudged = {
        "endpoint": "",
        "lower": None,
        "upper": None,
        "verdict": "unknown",
        "reason": "never judged",
        "note": "",
        "seq": 0,
    }
    return {**unjudged, **promise, **judged.get(promise["id"], {})}


def _recovery(one: Json) -> Json:
    known = RECOVERY | {key: value for key, value in one.items() if value is not None}
    steps = [
        RECOVERY_STEP | {key: value for key, value in step.items() if value is not None}
        for step in known["steps"]
    ]
    for step in steps:
        ended_us = step["ended_us"] or (known["ended_us"] if step["begun_us"] else 0)
        step["ended_us"] = max(step["begun_us"], ended_us)
    known["ended_us"] = max(known["begun_us"], known["ended_us"])
    return known | {"steps": steps}


def _keeper_first(path: Path) -> tuple[bool, str]:
    return (path.name != KEEPER_JOURNAL, path.name)


def _boot(lines: list[Line]) -> str:
    return str(next((one["boot_id"] for one in lines if "boot_id" in one), ""))


def _first_opened(drills: tuple[Drill, ...]) -> Json:
    return next(({"target": one.drill["target"]} for one in drills if one.drill["target"]), {})


def _json(path: Path) -> tuple[Json, tuple[str, ...]]:
    """The object in a file, and what to say when there is none."""
    try:
        value = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return {}, (f"{path.name} is not there",)
    except orjson.JSONDecodeError as problem:
        return {}, (f"{path.name} cannot be read: {problem}",)
    if not isinstance(value, dict):
        return {}, (f"{path.name} holds no object",)
    return value, ()


def drill_hash(drill: Drill) -> str:
    """The hash that approvals and the journal refer to."""
    return sha256(drill.drill)
