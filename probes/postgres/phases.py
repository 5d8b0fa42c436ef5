"""What the system itself says happened, on our clock: a server says how long ago it was."""

from datetime import datetime
from typing import Any

from firemarshal.clock import now_us
from firemarshal.probes.postgres import manager
from firemarshal.probes.postgres.connect import Session
from firemarshal.probes.postgres.members import ANSWER_WITHIN_S, primary_of
from firemarshal.system import CannotTell, Configuration

AGO = "(extract(epoch FROM clock_timestamp() - {moment}) * 1000000)::bigint"
STARTED = f"SELECT {AGO.format(moment='pg_postmaster_start_time()')}"
FOLLOWING = f"""
SELECT application_name, {AGO.format(moment="backend_start")} FROM pg_stat_replication
"""
SINCE = f"SELECT {AGO.format(moment='$1::timestamptz')}"
Phase = dict[str, Any]


def phases(configuration: Configuration, since_us: int) -> list[Phase]:
    """Starts, promotions and new followers since a moment, the oldest first; what is known."""
    found: list[Phase] = []
    for look in (_starts, _followers, _history):
        found += look(configuration)
    return sorted((one for one in found if one["at_us"] >= since_us), key=lambda one: one["at_us"])


def _starts(configuration: Configuration) -> list[Phase]:
    found = []
    for member in configuration["system"]["members"]:
        try:
            with Session(configuration, member, ANSWER_WITHIN_S) as session:
                at_us = now_us() - int(session.rows(STARTED)[0][0] or 0)
        except CannotTell:
            continue  # an unreachable member's start is unknown, and unknown is left out
        name = f"{member['name']} was started"
        found.append({"name": name, "at_us": at_us, "source": "pg_postmaster_start_time"})
    return found


def _followers(configuration: Configuration) -> list[Phase]:
    try:
        with Session(configuration, primary_of(configuration), ANSWER_WITHIN_S) as session:
            rows = session.rows(FOLLOWING)
    except CannotTell:
        return []
    now = now_us()
    return [
        {"name": f"{name} follows", "at_us": now - int(ago), "source": "pg_stat_replication"}
        for name, ago in rows
        if ago is not None
    ]


def _history(configuration: Configuration) -> list[Phase]:
    """Patroni's promotions; their wall clock is read by the primary, which knows how old it is."""
    try:
        entries = manager.first_answer(configuration, "/history")
        with Session(configuration, primary_of(configuration), ANSWER_WITHIN_S) as session:
            return [_promotion(session, entry) for entry in entries if _is_dated(entry)]
    except CannotTell:
        return []


def _promotion(session: Session, entry: list[Any]) -> Phase:
    at_us = now_us() - int(session.rows(SINCE, entry[3])[0][0] or 0)
    leader = entry[4] if len(entry) > 4 else "a standby"
    name = f"{leader} was promoted to timeline {entry[0] + 1}"
    return {"name": name, "at_us": at_us, "source": "Patroni /history"}


def _is_dated(entry: Any) -> bool:
    if not isinstance(entry, list) or len(entry) < 4:
        return False
    try:
        return datetime.fromisoformat(str(entry[3])).tzinfo is not None
    except ValueError:
        return False
