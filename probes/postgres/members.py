"""Who is who now: what every member says of itself, asked one by one."""

from typing import Any

from firemarshal.probes.postgres.connect import Member, Session
from firemarshal.system import CannotTell, Configuration

ANSWER_WITHIN_S = 2.0
# pg_control_checkpoint shows the old timeline for a while after a promotion, so that the name of
# the WAL file being written is read on a primary.
STATE = """
SELECT pg_is_in_recovery(),
  CASE WHEN pg_is_in_recovery()
    THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver),
                  (SELECT timeline_id FROM pg_control_checkpoint()))
    ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END,
  CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
  CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
  pg_postmaster_start_time() AT TIME ZONE 'UTC',
  (SELECT system_identifier FROM pg_control_system()),
  current_setting('server_version')
"""
KEYS = (
    *("timeline", "received_lsn", "replayed_lsn", "postmaster_started_at"),
    *("system_identifier", "server_version"),
)


def survey(configuration: Configuration) -> list[dict[str, Any]]:
    """Every member with its role and state; an unreachable one with `why` instead."""
    return [_ask(configuration, member) for member in configuration["system"]["members"]]


def primary_of(configuration: Configuration) -> Member:
    """The one member that takes writes, as the profile has it; CannotTell if none or several."""
    found = survey(configuration)
    names = [one["name"] for one in found if one["role"] == "primary"]
    if len(names) != 1:
        raise CannotTell(f"there is no single primary: {'; '.join(told(found))}")
    return table_of(configuration, names[0])


def table_of(configuration: Configuration, name: str) -> Member:
    """A member's table of the profile."""
    members: list[Member] = configuration["system"]["members"]
    return next(member for member in members if member["name"] == name)


def told(found: list[dict[str, Any]]) -> list[str]:
    """What the members say, for people."""
    return [
        one["why"] if one["role"] == "unreachable" else f"{one['name']} says it is {one['role']}"
        for one in found
    ]


def _ask(configuration: Configuration, member: Member) -> dict[str, Any]:
    try:
        with Session(configuration, member, ANSWER_WITHIN_S) as session:
            recovering, *state = session.rows(STATE)[0]
    except CannotTell as error:
        return {"name": member["name"], "role": "unreachable", "why": str(error)}
    role = "standby" if recovering == "t" else "primary"
    found: dict[str, Any] = dict(zip(KEYS, state, strict=True))
    return {"name": member["name"], "role": role, **found, "timeline": int(found["timeline"])}
