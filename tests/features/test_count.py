"""The same figures by other roads: rows counted in the database, the ledger read by hand.

Nothing here uses firemarshal; what agrees with it agrees by itself.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HEAD, RECORD = struct.Struct("<8sQQI"), struct.Struct("<QqqqqIIBBB13x")
FIRST_RECORD = 4096
INTENT, OK, FAILED, UNKNOWN = 1, 2, 3, 4
STEADY = 100
ROUNDING = 1_000  # microseconds
COUNTED = (
    "The primary is killed without warning",
    "Control: the standby was two seconds behind when the primary died",
    "The primary of a synchronous pair is killed",
)
Json = dict[str, Any]


@dataclass(frozen=True)
class Row:
    key: int
    scheduled: int
    begun: int
    done: int
    outcome: int


def rows(path: Path) -> list[Row]:
    """Every attempt, in the order of keys."""
    data = path.read_bytes()
    magic, begun, closed, _ = HEAD.unpack_from(data)
    assert (magic, closed) == (b"FMLEDGR1", 1)
    found = [
        Row(key, scheduled, started, done, outcome)
        for key, scheduled, started, _, done, _, _, outcome, _, _ in RECORD.iter_unpack(
            data[FIRST_RECORD : FIRST_RECORD + begun * RECORD.size]
        )
        if outcome
    ]
    assert [one.key for one in found] == list(range(1, begun + 1))
    return found


def keys(ledger: list[Row], *outcomes: int) -> set[int]:
    return {one.key for one in ledger if one.outcome in outcomes}


def outage(ledger: list[Row], before: int, after: int) -> tuple[int, int]:
    """From the fault to the last failure begun, and to the first answer of a hundred in a row."""
    struck = [one for one in ledger if one.begun >= before]
    first_bad = next(place for place, one in enumerate(struck) if one.outcome != OK)
    end = next(
        place
        for place in range(first_bad, len(struck))
        if all(one.outcome == OK for one in struck[place : place + STEADY])
    )
    last_bad = max(one.begun for one in struck[:end] if one.outcome != OK)
    return last_bad - after, struck[end].done - before


def called(lines: list[Json], activity: str) -> Json:
    (found,) = [one for one in lines if one["event"] == "called" and one["activity"] == activity]
    output: Json = found["output"]
    return output


def ledger_of(finished: Any, name: str) -> list[Row]:
    (path,) = finished.folder(name).glob("*.ledger")
    return rows(path)


@pytest.mark.parametrize("name", COUNTED)
def test_the_rows_that_an_operator_counted_are_those_of_the_result(
    finished: Any, name: str
) -> None:
    lines, ledger = finished.journal(name), ledger_of(finished, name)
    (system,) = {one["system"] for one in lines if one["event"] == "recording"}
    (table,) = called(lines, f"prepare {system}")["made"]
    counter = finished.counters[system]
    assert counter.looks > 100
    seen = counter.keys[table.removeprefix("firemarshal.")]
    said = called(lines, f"reconcile {system}")
    acknowledged, doubtful = keys(ledger, OK), keys(ledger, INTENT, UNKNOWN)
    assert acknowledged - seen == set(said["lost"])
    assert len(doubtful & seen) == said["in_doubt_present"]
    assert seen - acknowledged - doubtful == set(said["unexpected"])
    (loss,) = [one for one in lines if one["event"] == "measured" and one["kind"] == "loss"]
    assert len(acknowledged) == loss["acknowledged"] == said["acknowledged"]
    stored = loss["acknowledged"] - loss["lost"] + loss["in_doubt_present"] + loss["unexpected"]
    assert len(seen) == stored == said["rows"]


@pytest.mark.parametrize("name", COUNTED)
def test_the_outage_is_the_one_that_the_ledger_shows(finished: Any, name: str) -> None:
    lines = finished.journal(name)
    (disaster,) = [one for one in lines if one["event"] == "disaster"]
    (rto,) = [one for one in lines if one["event"] == "measured" and one["kind"] == "rto"]
    ledger = ledger_of(finished, name)
    lower, upper = outage(ledger, *disaster["t0"])
    late = max(one.begun - one.scheduled for one in ledger if one.begun) + ROUNDING
    assert rto["lower_us"] <= lower <= upper <= rto["upper_us"]
    assert lower - rto["lower_us"] <= late, "only the recorder's own lateness may widen it"
    assert rto["upper_us"] - upper <= late
