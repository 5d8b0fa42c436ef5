"""A long transaction holds the busiest table of the application: every statement on it waits."""

from typing import Any

from firemarshal.actions.postgres import holding
from firemarshal.actions.postgres.members import lone_primary, member_named
from firemarshal.clock import now_us
from firemarshal.fault import Fault, NotDone, VictimChanged

FAULT = Fault(
    kinds=("postgres",),
    does="the table with most writes is locked in ACCESS EXCLUSIVE mode by an open transaction",
    lasts="until healed",
    needs=("database: lock the table as the application's own user",),
)
BUSIEST = """
select schemaname || '.' || relname, relid::bigint from pg_stat_user_tables
where not exists (select from pg_locks where relation = relid and granted
    and mode = 'AccessExclusiveLock')
order by n_tup_ins + n_tup_upd + n_tup_del desc, relid desc limit 1
"""
HELD = """
select l.pid from pg_locks l join pg_stat_activity a using (pid)
where a.application_name = %s and l.relation = %s and l.mode = 'AccessExclusiveLock' and l.granted
"""
NAMED = "select schemaname || '.' || relname from pg_stat_user_tables where relid = %s"
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The table with most written rows, as the server counts them; one held so is left alone."""
    found = []
    for member, _, _ in lone_primary(configuration["system"]):
        for table, oid in holding.ask(holding.conninfo_of(member, configuration), BUSIEST):
            token = f"firemarshal-lock-{configuration['drill']}-{member['name']}-{oid}"
            found.append(
                {
                    "id": f"table {table} ({oid}) on {member['name']}",
                    "name": member["name"],
                    "before": {"locked": False},
                    "found": {"table": table, "oid": oid, "token": token},
                    "undo": holding.by_hand(token),
                }
            )
    return found


def inject(victims: list[Json], configuration: Json) -> Json:
    """Start who holds it, and wait until the server says that it is held."""
    for victim in victims:
        conninfo, found = holding.primary_conninfo(victim, configuration), victim["found"]
        if holding.ask(conninfo, NAMED, found["oid"]) != [(found["table"],)]:
            raise VictimChanged(f"{victim['id']} is not that table any more")
        earliest_us = now_us()
        holding.begin(found["token"], conninfo, "lock", found["table"])
        until_us = earliest_us + holding.ANSWER_WITHIN_S * 1_000_000
        while not holding.ask(conninfo, HELD, found["token"], found["oid"]):
            if now_us() > until_us:
                raise NotDone(f"{victim['id']} was not locked in {holding.ANSWER_WITHIN_S} s")
    return {"earliest_us": earliest_us, "latest_us": now_us()}


def bit(victims: list[Json], configuration: Json) -> Json:
    """The server says which of its processes holds the lock, under our name."""
    seen = {one["id"]: _held(one, configuration) for one in victims}
    return {"bit": bool(seen) and all(seen.values()), "seen": f"held by: {seen}"}


def heal(victims: list[Json]) -> list[str]:
    """End who holds it; the server takes the lock back with the connection."""
    return [line for one in victims for line in holding.end(one["found"]["token"])]


def _held(victim: Json, configuration: Json) -> list[Any]:
    """The server process that holds it; none once another member leads, where no lock follows.

    Its member is asked at once: while a lock stands the waiting ones soon take every place.
    """
    found = victim["found"]
    member = member_named(configuration["system"], victim["name"])
    try:
        conninfo = holding.conninfo_of(member, configuration)
        return holding.ask(conninfo, HELD, found["token"], found["oid"])
    except NotDone:
        if holding.if_it_leads(victim, configuration):
            raise
        return []
