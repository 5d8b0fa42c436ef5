"""The canary: a row written on the primary that every other member must show.

"streaming" in PostgreSQL's own views is no proof; it shows while nothing has arrived yet.
"""

import time
import uuid

from firemarshal.clock import now_us
from firemarshal.probes.postgres.connect import Member, Rejected, Session
from firemarshal.probes.postgres.marker import drop, made_schema, named
from firemarshal.system import CannotTell, Configuration

NOT_YET = ("42P01", "3F000")  # the table, the schema, has not arrived
PAUSE_S = 0.02
ANSWER_WITHIN_S = 2.0


def unseen(configuration: Configuration, primary: Member, timeout_s: float) -> list[str]:
    """Which members have not shown a new row within the time, in words; empty when all have."""
    token = uuid.uuid4().hex
    end_us = now_us() + round(timeout_s * 1_000_000)
    table = named(configuration, "canary")
    why: list[str] = []
    try:
        _write(configuration, primary, table, token, timeout_s)
    except CannotTell as error:
        why.append(f"the canary row could not be written: {error}")
    else:
        for member in configuration["system"]["members"]:
            if member["name"] != primary["name"]:
                why += _unseen_on(configuration, member, table, token, end_us, timeout_s)
    try:
        drop(configuration, primary, table, ANSWER_WITHIN_S)
    except CannotTell as error:
        why.append(f"the canary table {table} could not be removed: {error}")
    return why


def _write(
    configuration: Configuration, primary: Member, table: str, token: str, timeout_s: float
) -> None:
    with Session(configuration, primary, timeout_s, "client") as session:
        # Only the row itself waits for synchronous standbys: then a hang is about writes.
        session.rows("SET synchronous_commit = local")
        made_schema(session)
        session.rows(f"CREATE TABLE IF NOT EXISTS {table} (token text)")
        session.rows("RESET synchronous_commit")
        session.rows(f"INSERT INTO {table} VALUES ($1)", token)


def _unseen_on(
    configuration: Configuration,
    member: Member,
    table: str,
    token: str,
    end_us: int,
    timeout_s: float,
) -> list[str]:
    # The session outlives the loop, so that a silent server and a missing row are told apart.
    patience_s = max(0.0, (end_us - now_us()) / 1e6) + ANSWER_WITHIN_S
    try:
        with Session(configuration, member, patience_s, "client") as session:
            while not _shows(session, table, token):
                if now_us() >= end_us:
                    break
                time.sleep(PAUSE_S)
            else:
                return []
    except CannotTell as error:
        return [str(error)]
    name, receiver = member["name"], _receiver(configuration, member)
    return [f"{name} has not shown the canary row after {timeout_s:.1f} s; {receiver}"]


def _shows(session: Session, table: str, token: str) -> bool:
    try:
        return bool(session.rows(f"SELECT 1 FROM {table} WHERE token = $1", token))
    except Rejected as error:
        if error.state in NOT_YET:
            return False
        raise


def _receiver(configuration: Configuration, member: Member) -> str:
    query = "SELECT status, slot_name, latest_end_lsn FROM pg_stat_wal_receiver"
    try:
        with Session(configuration, member, ANSWER_WITHIN_S) as session:
            found = session.rows(query)
    except CannotTell as error:
        return f"its WAL receiver cannot be asked: {error}"
    if not found:
        return "its WAL receiver does not run"
    status, slot, lsn = found[0]
    return f"its WAL receiver says {status} at {lsn} by slot {slot}"
