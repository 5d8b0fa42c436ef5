"""A base backup of the primary runs, slowly: its reader and its WAL sender are at work.

Meant as a condition: a primary that dies meanwhile leaves half a backup and must not be held up.
"""

from typing import Any

from firemarshal.actions.postgres import holding
from firemarshal.actions.postgres.members import (
    host_of,
    lone_primary,
    member_named,
    still_leads,
)
from firemarshal.clock import now_us
from firemarshal.fault import Fault, NotDone

FAULT = Fault(
    kinds=("postgres",),
    does="a base backup at 32 kB/s is taken from the primary and thrown away",
    lasts="until healed",
    needs=("database: the operator's user may replicate",),
)
RATE_KB_PER_S, BEGUN_S = 32, 10
RUNS = """
select pid from pg_stat_progress_basebackup join pg_stat_activity using (pid)
where application_name = %s
"""
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The primary, unless our backup of it runs already."""
    found = []
    for member, _, process in lone_primary(configuration["system"]):
        token = f"firemarshal-backup-{configuration['drill']}-{member['name']}-{member['port']}"
        if not holding.holders(token):
            found.append(
                {
                    "id": f"base backup of {member['name']}, postmaster {process.pid}",
                    "name": member["name"],
                    "before": {"runs": False},
                    "found": {"pid": process.pid, "start": process.start, "token": token},
                    "undo": holding.by_hand(token),
                }
            )
    return found


def inject(victims: list[Json], configuration: Json) -> None:
    """Start its reader, and wait until the server says that the backup runs."""
    for victim in victims:
        member = member_named(configuration["system"], victim["name"])
        still_leads(victim, member, host_of(configuration["system"], member["host"]))
        conninfo = holding.conninfo_of(member, configuration, "operator")
        holding.begin(victim["found"]["token"], conninfo, "backup", str(RATE_KB_PER_S))
        until_us = now_us() + BEGUN_S * 1_000_000
        while not _runs(victim, configuration):
            if now_us() > until_us:
                raise NotDone(f"{victim['id']} did not begin in {BEGUN_S} s")


def bit(victims: list[Json], configuration: Json) -> Json:
    """The server tells the progress of a backup that was asked for under our name."""
    seen = {one["id"]: _runs(one, configuration) for one in victims}
    return {"bit": bool(seen) and all(seen.values()), "seen": f"run by: {seen}"}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """End its reader; the server, which sleeps between its pieces, ends the backup after that."""
    standing = [line for one in victims for line in holding.end(one["found"]["token"])]
    return standing or [f"{one['id']} still ends" for one in victims if _runs(one, configuration)]


def _runs(victim: Json, configuration: Json) -> list[Any]:
    conninfo = holding.if_it_leads(victim, configuration, "operator")
    return holding.ask(conninfo, RUNS, victim["found"]["token"]) if conninfo else []
