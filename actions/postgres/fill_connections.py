"""A storm of connections takes every place of the primary: who comes now is turned away.

Those who are connected already go on, as does an application whose pool is warm.
"""

from typing import Any

import psycopg

from firemarshal.actions.postgres import holding
from firemarshal.actions.postgres.members import lone_primary
from firemarshal.clock import now_us
from firemarshal.fault import Fault, NotDone, VictimChanged

FAULT = Fault(
    kinds=("postgres",),
    does="connections of the application's own user are opened until the primary refuses more",
    lasts="until healed",
    needs=("database: connect as the application's own user",),
    unnoticed=True,
)
MOST = "select setting::int from pg_settings where name = 'max_connections'"
FILLED_S = 10
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The primary with its places; one that is full already is left alone."""
    found = []
    for member, _, process in lone_primary(configuration["system"]):
        conninfo, token = holding.conninfo_of(member, configuration), _token(member, configuration)
        if not holding.holders(token):
            found.append(
                {
                    "id": f"places of {member['name']}, postmaster {process.pid}",
                    "name": member["name"],
                    "before": {"full": False},
                    "found": {"places": int(holding.ask(conninfo, MOST)[0][0]), "token": token},
                    "undo": holding.by_hand(token),
                }
            )
    return found


def inject(victims: list[Json], configuration: Json) -> Json:
    """Start who takes the places, and wait until the primary turns one more away."""
    earliest_us = now_us()
    for victim in victims:
        conninfo, found = holding.primary_conninfo(victim, configuration), victim["found"]
        if not holding.holders(found["token"]):
            if holding.ask(conninfo, MOST) != [(found["places"],)]:
                raise VictimChanged(f"{victim['id']} has other places now")
            earliest_us = now_us()
        holding.begin(found["token"], conninfo, "places", str(found["places"]))
        while not _refused(conninfo):
            if now_us() > earliest_us + FILLED_S * 1_000_000:
                raise NotDone(f"{victim['id']} were not filled in {FILLED_S} s")
    return {"earliest_us": earliest_us, "latest_us": now_us()}


def bit(victims: list[Json], configuration: Json) -> Json:
    """The primary itself turns a newcomer away, and those who took the places are ours."""
    seen = {
        one["id"]: {
            "turned away": _refused(holding.if_it_leads(one, configuration)),
            "ours": len(holding.holders(one["found"]["token"])),
        }
        for one in victims
    }
    return {"bit": all(all(one.values()) for one in seen.values()), "seen": f"{seen}"}


def heal(victims: list[Json]) -> list[str]:
    """End who took the places; the primary takes them back with the connections."""
    return [line for one in victims for line in holding.end(one["found"]["token"])]


def _token(member: Json, configuration: Json) -> str:
    return f"firemarshal-places-{configuration['drill']}-{member['name']}-{member['port']}"


def _refused(conninfo: str) -> bool:
    """Whether a newcomer is turned away; not where nobody leads."""
    try:
        if not conninfo:
            return False
        psycopg.connect(conninfo, connect_timeout=holding.ANSWER_WITHIN_S).close()
    except psycopg.OperationalError as problem:
        return "too many clients" in str(problem) or "remaining connection slots" in str(problem)
    return False
