"""The recorder against one real server: what is stored, what is in doubt, who was asked."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firemarshal.ledger import Attempt, Ledger, Outcome, Refusal
from firemarshal.probes.postgres import system
from firemarshal.probes.postgres.connect import Session

Record = Callable[..., Any]
MODULE = "firemarshal.probes.recorder.postgres"
TABLE = "firemarshal.attempts_d1"


@pytest.fixture
def marked(server: Any) -> Iterator[dict[str, Any]]:
    """A configuration whose marker table stands for the time of a test."""
    configuration: dict[str, Any] = server.configuration()
    system.prepare(configuration)
    yield configuration
    system.forget(configuration)


def stored(configuration: dict[str, Any]) -> dict[int, int]:
    with Session(configuration, configuration["system"]["members"][0], 5) as session:
        rows = session.rows(f"SELECT k, w FROM {TABLE}")
        return {int(key or 0): int(value or 0) for key, value in rows}


def ok_after(outcome: Outcome, refusal: Refusal) -> Callable[[list[Attempt]], bool]:
    """Whether an attempt ended so, and a later one was OK again."""

    def true(attempts: list[Attempt]) -> bool:
        ends = [one.key for one in attempts if (one.outcome, one.refusal) == (outcome, refusal)]
        return bool(ends) and any(one.outcome is Outcome.OK for one in attempts[ends[0] :])

    return true


def ended(outcome: Outcome, refusal: Refusal) -> Callable[[list[Attempt]], bool]:
    return lambda found: any((one.outcome, one.refusal) == (outcome, refusal) for one in found)


def test_what_was_acknowledged_is_stored_over_few_connections(
    server: Any, marked: dict[str, Any], record: Record
) -> None:
    (client,) = system.clients(marked)
    recording = record(module=client["module"], endpoint=client["endpoint"]).ready()
    recording.await_key(60)
    attempts = recording.end()
    assert {one.outcome for one in attempts} == {Outcome.OK}
    assert stored(marked) == {one.key: one.value for one in attempts}
    assert {one.endpoint for one in attempts} == {0}
    with Ledger(recording.path) as ledger:
        assert ledger.about["endpoints"] == [f"127.0.0.1:{server.port}"]
    assert b"let-me-write" not in recording.path.read_bytes()[:4096]


def test_a_crash_of_the_server_is_refusals_and_doubt_but_never_a_loss(
    server: Any, marked: dict[str, Any], record: Record
) -> None:
    endpoint = {"conninfo": server.client(), "table": TABLE}
    recording = record(module=MODULE, endpoint=endpoint, rate_per_s=200).ready()
    recording.await_key(40)
    server.stop("immediate")
    recording.await_that(ended(Outcome.FAILED, Refusal.REFUSED))
    server.start()
    recording.await_that(ok_after(Outcome.FAILED, Refusal.REFUSED))
    attempts = recording.end()
    rows = stored(marked)
    for one in attempts:
        if one.outcome is Outcome.OK:
            assert rows.pop(one.key) == one.value
    doubtful = {one.key for one in attempts if one.outcome is Outcome.UNKNOWN}
    assert set(rows) <= doubtful
    assert system.reconcile(marked, str(recording.path))["lost"] == []


def test_a_frozen_server_is_doubt_and_then_a_deadline(
    server: Any, marked: dict[str, Any], record: Record
) -> None:
    endpoint = {"conninfo": server.client(), "table": TABLE}
    spec = {"attempt_deadline_s": 0.2, "host_timeout_s": 0.1, "connections": 30}
    recording = record(module=MODULE, endpoint=endpoint, **spec).ready()
    recording.await_key(20)
    first = (server.folder / "postmaster.pid").read_text().split()[0]
    children = Path(f"/proc/{first}/task/{first}/children")
    frozen = [int(first), *map(int, children.read_text().split())]
    try:
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        recording.await_that(ended(Outcome.UNKNOWN, Refusal.DEADLINE))
        recording.await_that(ended(Outcome.FAILED, Refusal.DEADLINE))
    finally:
        for pid in reversed(frozen):
            os.kill(pid, signal.SIGCONT)
    recording.await_that(ok_after(Outcome.FAILED, Refusal.DEADLINE))
    recording.await_that(lambda found: any(one.late_us for one in found))
    attempts = recording.end()
    assert all(one.done_us for one in attempts)
    assert {one.outcome for one in attempts if one.late_us} == {Outcome.UNKNOWN}
    found = system.reconcile(marked, str(recording.path))
    assert found["lost"] == found["late_lost"] == found["unexpected"] == []


def test_a_wrong_password_is_a_refusal_that_people_are_told(
    server: Any, marked: dict[str, Any], record: Record
) -> None:
    endpoint = {"conninfo": server.client(password="not-it"), "table": TABLE}
    recording = record(module=MODULE, endpoint=endpoint, rate_per_s=20).ready()
    recording.await_key(4)
    attempts = recording.end()
    assert {(one.outcome, one.refusal, one.sent_us) for one in attempts} == {
        (Outcome.FAILED, Refusal.SERVER_ERROR, 0)
    }
    said = recording.errors.read_text()
    assert 'password authentication failed for user "app"' in said
    assert "not-it" not in said
    assert stored(marked) == {}


def test_the_next_host_is_asked_and_then_kept(
    server: Any, marked: dict[str, Any], record: Record
) -> None:
    conninfo = server.client(host="127.0.0.1,127.0.0.1", port=f"1,{server.port}")
    endpoint = {"conninfo": conninfo, "table": TABLE}
    recording = record(module=MODULE, endpoint=endpoint).ready()
    recording.await_key(20)
    attempts = recording.end()
    assert {(one.outcome, one.endpoint) for one in attempts} == {(Outcome.OK, 1)}


def test_a_server_that_takes_no_writes_is_left(
    server: Any, marked: dict[str, Any], record: Record
) -> None:
    """First by what it reports when connected, then by the answer to a write (25006)."""
    server.superuser("ALTER DATABASE orders SET default_transaction_read_only = on")
    try:
        found = []
        for wanted in ("read-write", "any"):
            conninfo = server.client(target_session_attrs=wanted)
            recording = record(module=MODULE, endpoint={"conninfo": conninfo, "table": TABLE})
            recording.ready().await_key(4)
            found.append({(one.refusal, one.sent_us > 0) for one in recording.end()})
    finally:
        server.superuser(
            "SET default_transaction_read_only = off",
            "ALTER DATABASE orders RESET default_transaction_read_only",
        )
    assert found == [{(Refusal.READ_ONLY, False)}, {(Refusal.READ_ONLY, True)}]
    assert stored(marked) == {}


def test_a_standby_is_passed_over_until_it_is_promoted(
    server: Any, standby: Any, marked: dict[str, Any], record: Record
) -> None:
    """The first asks the standby alone, the second has the primary as its next host."""
    alone = {"conninfo": standby.client(), "table": TABLE}
    both = server.client(host="127.0.0.1,127.0.0.1", port=f"{standby.port},{server.port}")
    recording = record(module=MODULE, endpoint=alone).ready()
    recording.await_that(lambda found: len(found) > 30 and ended_read_only(found[-2]))
    beside = record(module=MODULE, endpoint={"conninfo": both, "table": TABLE}).ready()
    beside.await_key(20)
    assert {(one.outcome, one.endpoint) for one in beside.end()} == {(Outcome.OK, 1)}
    standby.superuser("SELECT pg_promote()")
    recording.await_that(ok_after(Outcome.FAILED, Refusal.READ_ONLY))
    attempts = recording.end()
    first = next(one.key for one in attempts if one.outcome is Outcome.OK)
    assert all(ended_read_only(one) for one in attempts[: first - 1])
    assert max(one.connections for one in attempts[: first - 1]) <= 3


def ended_read_only(attempt: Attempt) -> bool:
    return attempt.refusal is Refusal.READ_ONLY and not attempt.sent_us


def test_a_missing_table_is_an_error_of_the_server(server: Any, record: Record) -> None:
    endpoint = {"conninfo": server.client(), "table": "firemarshal.attempts_none"}
    recording = record(module=MODULE, endpoint=endpoint, rate_per_s=20).ready()
    recording.await_key(4)
    assert {one.refusal for one in recording.end()} == {Refusal.SERVER_ERROR}
    assert "does not exist" in recording.errors.read_text()


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ({"conninfo": "host=x", "table": "drop table x; --"}, "no plain schema.name"),
        ({"conninfo": "password=a b c", "table": TABLE}, "no connection string"),
        ({"conninfo": "host=a,b port=1,2,3", "table": TABLE}, "different numbers"),
        ({"table": TABLE}, "it must be"),
    ],
)
def test_a_wrong_endpoint_is_refused_without_quoting_it(
    record: Record, endpoint: dict[str, str], said: str
) -> None:
    recording = record(module=MODULE, endpoint=endpoint)
    assert recording.process.wait(10) == 4
    text = recording.errors.read_text()
    assert said in text
    assert "a b c" not in text
