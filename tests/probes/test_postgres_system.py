"""The probes of one real server: who it is, its canary, its marker rows, what was lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firemarshal.clock import now_us
from firemarshal.ledger import Attempt, LedgerWriter, Outcome
from firemarshal.probes.postgres import system
from firemarshal.probes.postgres.connect import Session
from firemarshal.probes.postgres.settings import Settings
from firemarshal.system import CannotTell

Configuration = dict[str, Any]


@pytest.fixture
def marked(server: Any) -> Iterator[Configuration]:
    configuration: Configuration = server.configuration("d2")
    system.prepare(configuration)
    yield configuration
    system.forget(configuration)


def elsewhere(configuration: Configuration, port: int = 1) -> Configuration:
    """The same system where nobody listens."""
    (member,) = configuration["system"]["members"]
    moved = {**configuration["system"], "members": [{**member, "port": port}]}
    return {**configuration, "system": moved}


def ask(configuration: Configuration, query: str, who: str = "operator") -> Any:
    with Session(configuration, configuration["system"]["members"][0], 5, who) as session:
        return session.rows(query)


def schemas(configuration: Configuration) -> Any:
    return ask(configuration, "SELECT 1 FROM pg_namespace WHERE nspname = 'firemarshal'")


def test_the_settings_know_this_system(server: Any) -> None:
    Settings.model_validate(server.configuration()["system"])


def test_it_says_who_it_is(server: Any) -> None:
    configuration = server.configuration()
    found = system.identify(configuration)
    (row,) = ask(configuration, "SELECT system_identifier FROM pg_control_system()")
    assert found["system_identifier"] == row[0]
    assert found["members"] == {"orders-1": row[0]}
    (member,) = system.members(configuration)
    assert member["role"] == "primary"
    assert member["timeline"] == 1
    assert member["postmaster_started_at"]


def test_who_cannot_be_asked_is_unknown_and_not_a_fault(server: Any) -> None:
    nowhere = elsewhere(server.configuration())
    with pytest.raises(CannotTell, match="orders-1 cannot be asked"):
        system.identify(nowhere)
    (member,) = system.members(nowhere)
    assert member["role"] == "unreachable"
    found = system.healthy(nowhere, 1.0)
    assert not found["healthy"]
    assert "0 of 1 members say that they are primary" in found["why"]
    for function in (system.prepare, system.forget):
        with pytest.raises(CannotTell, match="there is no single primary"):
            function(nowhere)


def test_a_silent_server_has_a_deadline(server: Any, toy: Any) -> None:
    toy.do("hang")
    began_us = now_us()
    (member,) = system.members(elsewhere(server.configuration(), toy.port))
    assert "no answer within 2 s" in member["why"]
    assert now_us() - began_us < 8_000_000


def test_healthy_is_a_canary_that_leaves_nothing(server: Any) -> None:
    configuration = server.configuration()
    assert system.healthy(configuration, 5.0) == {"healthy": True, "why": []}
    assert system.redundant(configuration, 5.0) == {"redundant": True, "why": []}
    assert not schemas(configuration)


def test_another_system_than_the_pinned_one_is_not_healthy(server: Any) -> None:
    configuration = server.configuration(identity={"system_identifier": "1"})
    found = system.healthy(configuration, 5.0)
    assert not found["healthy"]
    assert "not of 1" in found["why"][0]


def test_a_standby_that_does_not_show_the_canary_is_named(server: Any, standby: Any) -> None:
    configuration = server.configuration("d7", members=[server.member(), standby.member()])
    assert system.healthy(configuration, 10.0) == {"healthy": True, "why": []}
    first, second = system.members(configuration)
    assert (first["role"], second["role"]) == ("primary", "standby")
    standby.superuser("SELECT pg_wal_replay_pause()")
    found = system.redundant(configuration, 0.5)
    standby.superuser("SELECT pg_wal_replay_resume()")
    assert not found["redundant"]
    (why,) = found["why"]
    assert why.startswith("orders-2 has not shown the canary row after 0.5 s; its WAL receiver")
    strict = server.configuration("d7", members=configuration["system"]["members"])
    strict["system"]["synchronous"] = True
    assert "has no synchronous standby" in system.healthy(strict, 10.0)["why"][0]
    names = [phase["name"] for phase in system.phases(configuration, 0)]
    assert "orders-2 was started" in names
    assert not schemas(configuration)


def test_prepare_and_forget_may_be_repeated_and_leave_nothing(server: Any) -> None:
    configuration = server.configuration("d3")
    assert system.forget(configuration) == {"removed_rows": 0}
    assert system.prepare(configuration) == system.prepare(configuration)
    ask(configuration, "INSERT INTO firemarshal.attempts_d3 VALUES (1, 2), (2, 3)", "client")
    other = server.configuration("d4")
    system.prepare(other)
    assert system.forget(configuration) == {"removed_rows": 2}
    assert schemas(configuration), "another drill's table stands in it"
    assert system.forget(other) == {"removed_rows": 0}
    assert not schemas(configuration)
    assert system.forget(configuration) == {"removed_rows": 0}


def test_a_client_that_may_not_make_the_schema_is_told_the_cure(server: Any) -> None:
    server.superuser("ALTER DATABASE orders OWNER TO postgres")
    configuration = server.configuration("d5")
    try:
        with pytest.raises(CannotTell, match="so that app may write in database"):
            system.prepare(configuration)
        server.superuser("CREATE SCHEMA firemarshal AUTHORIZATION app")
        assert system.prepare(configuration)["made"] == ["firemarshal.attempts_d5"]
    finally:
        server.superuser("DROP SCHEMA firemarshal CASCADE", "ALTER DATABASE orders OWNER TO app")


def test_a_drill_id_that_is_no_plain_word_never_reaches_the_server(server: Any) -> None:
    with pytest.raises(ValueError, match="small letters and digits"):
        system.prepare(server.configuration("x; drop table y"))


def test_what_is_captured_does_not_move_by_itself_and_holds_no_secret(server: Any) -> None:
    configuration = server.configuration()
    kept = system.capture(configuration)
    assert kept == system.capture(configuration)
    assert kept["leader"] == "orders-1"
    assert kept["settings"]["fsync"] == "off"
    assert "let-me" not in str(kept)


def test_a_start_of_the_server_is_a_phase_on_our_clock(server: Any) -> None:
    configuration = server.configuration()
    before_us = now_us()
    server.stop("fast")
    server.start()
    (phase,) = system.phases(configuration, before_us)
    assert phase["name"] == "orders-1 was started"
    assert before_us < phase["at_us"] < now_us()
    assert system.phases(configuration, now_us()) == []


# Reconciliation: a ledger and a table are made, then harm is done to the table.

COUNT = 10_000


def value(key: int) -> int:
    return (key * 7919) & 0x7FFFFFFF


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """10,000 attempts: 9,001 to 9,009 are in doubt, 9,002 and 9,004 of them acknowledged late;
    9,010 failed, 9,011 was shed.
    """
    writer = LedgerWriter(tmp_path / "ledger", COUNT, {})
    odd = {9010: Outcome.FAILED, 9011: Outcome.SHED, 9001: Outcome.INTENT}
    for key in range(1, COUNT + 1):
        doubt = Outcome.UNKNOWN if 9001 < key < 9010 else Outcome.OK
        late_us = key if key in (9002, 9004) else 0
        writer.write(
            Attempt(key, key, value=value(key), outcome=odd.get(key, doubt), late_us=late_us)
        )
    writer.close()
    return str(tmp_path / "ledger")


@pytest.fixture
def filled(marked: Configuration) -> Configuration:
    query = (
        "INSERT INTO firemarshal.attempts_d2 SELECT k, (k * 7919) & 2147483647"
        f" FROM generate_series(1, {COUNT}) k WHERE k NOT BETWEEN 9001 AND 9011"
    )
    ask(marked, query, "client")
    return marked


def harm(configuration: Configuration, *queries: str) -> None:
    for query in queries:
        ask(configuration, query.replace(" T ", " firemarshal.attempts_d2 "), "client")


def test_nothing_lost_is_nothing_found(filled: Configuration, ledger: str) -> None:
    assert system.reconcile(filled, ledger) == {
        "rows": COUNT - 11,
        "acknowledged": COUNT - 11,
        "lost": [],
        "late_lost": [9002, 9004],
        "in_doubt_present": 0,
        "unexpected": [],
        "by": "block checksums on orders-1",
    }


def test_every_planted_harm_is_named(filled: Configuration, ledger: str) -> None:
    harm(
        filled,
        "DELETE FROM T WHERE k IN (1, 4095, 4096, 4097, 10000)",
        "UPDATE T SET w = w + 1 WHERE k = 5000",
        "INSERT INTO T VALUES (20000, 5), (-3, 5), (9011, 5)",
        f"INSERT INTO T VALUES (9002, {value(9002)}), (9001, {value(9001)}), (9003, 1)",
    )
    found = system.reconcile(filled, ledger)
    assert found["lost"] == [1, 4095, 4096, 4097, 5000, 10000]
    assert sorted(found["unexpected"]) == [-3, 9003, 9011, 20000]
    assert found["in_doubt_present"] == 2
    assert found["late_lost"] == [9004]
    assert found["rows"] == COUNT - 11 - 5 + 3 + 3


def test_two_rows_that_changed_places_are_both_lost(filled: Configuration, ledger: str) -> None:
    """Count and sum stay the same: only the hash sees it."""
    harm(
        filled,
        f"UPDATE T SET w = {value(12)} WHERE k = 11",
        f"UPDATE T SET w = {value(11)} WHERE k = 12",
    )
    assert system.reconcile(filled, ledger)["lost"] == [11, 12]


def test_a_table_that_is_gone_is_everything_lost(server: Any, ledger: str) -> None:
    found = system.reconcile(server.configuration("d6"), ledger)
    assert len(found["lost"]) == found["acknowledged"] == COUNT - 11
    assert found["rows"] == 0


def test_a_ledger_that_cannot_be_read_is_unknown(marked: Configuration, tmp_path: Path) -> None:
    (tmp_path / "torn").write_bytes(b"x")
    for name in ("none", "torn"):
        with pytest.raises(CannotTell, match="the ledger cannot be read"):
            system.reconcile(marked, str(tmp_path / name))
