"""Run folders made by hand, line by line, so that reports can be tried on what is rare."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from firemarshal.drill import canonical
from firemarshal.journal import FIRST
from firemarshal.ledger import Attempt, LedgerWriter, Outcome

Json = dict[str, Any]
BEGAN_US = 1_000_000_000
T0_US = BEGAN_US + 4_000_000
BACK_US = T0_US + 2_000_000
PERIOD_US = 10_000
RULE = "answering again means: whatever a test says"


def compiled(name: str = "The primary is killed", **changes: Any) -> Json:
    """A compiled drill as line 1 of its journal holds it."""
    promise = {
        "id": "rto-1",
        "step": 1,
        "kind": "rto",
        "limit": 300_000_000,
        "unit": "us",
        "text": "writes return as the plan promises",
        "system": "orders",
        "clause": "DS-1a",
        "clause_limit": 300_000_000,
        "clock": "fault",
    }
    fault = {"module": "m", "sha256": "f" * 64, "does": "SIGKILL", "lasts": "moment"}
    return {
        "schema": "firemarshal/drill/1",
        "name": name,
        "feature": "A feature",
        "file": "features/a.feature",
        "line": 3,
        "row": "",
        "tags": ["plan:DS-1a"],
        "clauses": ["DS-1a"],
        "control": None,
        "not_run": None,
        "target": "lab",
        "systems": ["orders"],
        "faults": {"postgres.kill_primary": fault | {"leaves": "nothing"}},
        "steps": [
            _step("when", 'the primary of "orders" is killed', 4),
            _step("then", "writes return as the plan promises", 5),
        ],
        "promises": [promise],
        "hashes": {"feature": "a" * 64, "plans": "b" * 64, "target": "c" * 64},
        "id": "d0123456789",
        **changes,
    }


def events(drill: Json) -> list[Json]:
    """The journal of a drill that passed, from its first line to its seal."""
    judged = {"lower": 1_990_000, "upper": 2_000_000, "verdict": "met", "reason": "2.0 s of 5 min"}
    promises = [{**one, **judged, "endpoint": "client", "note": ""} for one in drill["promises"]]
    victim = {"id": "orders-1 postmaster 11", "name": "orders-1", "undo": "restart it"}
    fault = {"fault": "postgres.kill_primary", "system": "orders"}
    capture = {"leader": "orders-1", "members": [{"name": "orders-1", "role": "primary"}]}
    later = {"leader": "orders-2", "members": [{"name": "orders-1", "role": "standby"}]}
    return [
        {"event": "opened", "drill": drill, "boot_id": "boot", "target": "lab", "about": about()},
        called("capture orders", capture),
        {"event": "recording", "system": "orders", "client": "client"},
        baseline(),
        {"event": "step", "number": 0, **_step("when", "the primary is killed", 4)},
        {"event": "aimed", "victims": [victim], **fault},
        {"event": "undo written", "file": "x.undo.json", "shell": ["restart it"], **fault},
        {"event": "injected", "before_us": T0_US - 400, "after_us": T0_US, "why": "", **fault},
        {"event": "bit", "seen": "gone: 11", "at_us": T0_US + 9_000, **fault},
        {"event": "disaster", "t0": [T0_US - 400, T0_US], "at_us": T0_US + 10_000},
        {"event": "watching", "until": "2 min"},
        {"event": "watched", "answering": True, "calm": True, "gave_up": False}
        | {"at_us": BACK_US + 2_000_000},
        {"event": "healed", **fault},
        {"event": "measured", "kind": "rto", **recovered()},
        *({"event": "judged", "promise": one, **judged} for one in drill["promises"]),
        called("capture orders", later),
        {"event": "steady state", "system": "orders", "healthy": True, "why": []},
        {"event": "result", **result(drill, promises)},
        {"event": "sealed"},
    ]


def about() -> Json:
    """Who ran it."""
    return {
        "arguments": ["firemarshal", "run"],
        "commit": "0123456789abcdef",
        "dirty": False,
        "host": "vm",
        "operator": "0",
        "python": "3.11",
        "versions": {"firemarshal": "0.1.0"},
    }


def baseline() -> Json:
    """An even baseline."""
    figures = {"attempts": 296, "ok": 296, "shed": 0, "p50_us": 1000, "p95_us": 1500}
    times = {"lateness_p99_us": 200, "period_us": PERIOD_US, "deadline_us": 500_000}
    return {"event": "baseline", "system": "orders", "noisy": "", "rule": RULE, **figures, **times}


def recovered() -> Json:
    """The measurement that belongs to the attempts of `ledger`."""
    return {
        "answering": True,
        "bad": 200,
        "first_bad_us": T0_US,
        "first_error_us": T0_US + 300,
        "last_bad_us": BACK_US - PERIOD_US,
        "lower_us": 1_990_000,
        "upper_us": 2_000_400,
        "not_before_us": BACK_US - PERIOD_US,
        "not_after_us": BACK_US,
        "observed_until_us": BACK_US + 4_000_000,
        "reason": "answering again",
        "relapses": 0,
    }


def called(activity: str, output: Any) -> Json:
    """A call that was done."""
    done = {"status": "done", "error": "", "before_us": BEGAN_US, "after_us": BEGAN_US + 50}
    return {"event": "called", "activity": activity, "output": output, **done}


def result(drill: Json, promises: list[Json]) -> Json:
    """What a keeper leaves of a drill that passed."""
    return {
        "verdict": "PASSED",
        "code": "",
        "why": "",
        "as_expected": True,
        "expectation": "PASSED",
        "injected": True,
        "target_after": "changed",
        "target_after_why": ["leader: orders-1 -> orders-2"],
        "standing": [],
        "promises": [{**one, "seq": 15 + number} for number, one in enumerate(promises)],
        "phases": [
            {
                "at_us": BACK_US - 50_000,
                "name": "orders-2 was promoted",
                "source": "Patroni",
                "system": "orders",
            }
        ],
        "faults": list(drill["faults"]),
    }


def journal(lines: Iterable[Json]) -> bytes:
    """Events as a chained journal; a line without a time comes a millisecond after the one before.

    `at_us` in an event is kept, so that the moments that matter lie where the ledger has them.
    """
    head, data, at_us = FIRST, b"", BEGAN_US
    for number, one in enumerate(lines, start=1):
        at_us = one.get("at_us", at_us + 1000)
        utc = f"2026-11-21T16:00:{number % 60:02d}.000000Z"
        chain = {"seq": number, "prev": head, "at_us": at_us, "utc": utc, "writer": "keeper"}
        text = canonical({**one, **chain})
        head, data = hashlib.sha256(text).hexdigest(), data + text + b"\n"
    return data


def ledger(path: Path, until_us: int = BACK_US + 4_000_000, period_us: int = PERIOD_US) -> None:
    """An outage of two seconds: refused, then unanswered, then as before."""
    about = {
        "name": "client",
        "rate_per_s": 1_000_000 // period_us,
        "attempt_deadline_s": 0.5,
        "endpoints": ["127.0.0.1:1", "127.0.0.1:2"],
    }
    count = (until_us - BEGAN_US) // period_us
    writer = LedgerWriter(path, count, about)
    for number in range(count):
        at_us = BEGAN_US + number * period_us
        down = T0_US <= at_us < BACK_US
        outcome = Outcome.OK
        if down:
            outcome = Outcome.UNKNOWN if at_us > BACK_US - 500_000 else Outcome.FAILED
        took_us = 300 if down else 1000 + 37 * (number % 11)
        writer.write(
            Attempt(number + 1, at_us, at_us + 90, at_us + 95, at_us + took_us, outcome=outcome)
        )
    writer.close()


def run(root: Path, drills: Iterable[Json] = (), name: str = "20261121T160000Z-aaaa") -> Path:
    """A whole run folder; every drill passed."""
    folder = root / name
    folder.mkdir(parents=True)
    wanted = list(drills) or [compiled()]
    planned = [{"folder": f"{n:02d}-drill", "drill": one} for n, one in enumerate(wanted, start=1)]
    plan = {"schema": "firemarshal/run/1", "run": name, "target": "lab", "environment": "lab"}
    (folder / "run.json").write_bytes(orjson.dumps({**plan, "drills": planned}))
    (folder / "keeper.log").write_bytes(b"")
    for one in planned:
        if one["drill"]["not_run"] is None:
            leave(folder / one["folder"], one["drill"])
    return folder


def leave(folder: Path, drill: Json, **changes: Any) -> None:
    """One drill's folder; `changes` go into its verdict."""
    folder.mkdir()
    lines = events(drill)
    data = journal(lines)
    (folder / "journal.jsonl").write_bytes(data)
    ledger(folder / "orders-client.ledger")
    left = next(one for one in lines if one["event"] == "result")
    head = hashlib.sha256(data.splitlines()[-1]).hexdigest()
    whole = {**left, "drill": drill, "journal_head": head, **changes}
    whole.pop("event")
    (folder / "verdict.json").write_bytes(orjson.dumps(whole))


def _step(keyword: str, text: str, line: int) -> Json:
    return {"keyword": keyword, "text": text, "line": line, "declaration": {"declares": "X"}}
