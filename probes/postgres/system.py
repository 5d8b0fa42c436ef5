"""What it is to be a system of kind "postgres": a Patroni pair, or more members, or one."""

from typing import Any

from firemarshal.probes.postgres import manager, marker
from firemarshal.probes.postgres.connect import Session
from firemarshal.probes.postgres.following import mixed_up, unfollowed
from firemarshal.probes.postgres.marker import forget, prepare
from firemarshal.probes.postgres.members import ANSWER_WITHIN_S, survey, table_of, told
from firemarshal.probes.postgres.phases import phases
from firemarshal.probes.postgres.reconcile import reconcile
from firemarshal.probes.postgres.tombstone import claim, claimed, release
from firemarshal.system import CannotTell, Configuration

__all__ = [
    "capture",
    "claim",
    "claimed",
    "clients",
    "forget",
    "healthy",
    "identify",
    "members",
    "phases",
    "prepare",
    "reconcile",
    "redundant",
    "release",
]
SETTINGS = (
    *("synchronous_commit", "synchronous_standby_names", "max_connections", "fsync"),
    *("full_page_writes", "data_checksums"),
)


def identify(configuration: Configuration) -> dict[str, Any]:
    """The system identifier, which a copy shares and another cluster never has.

    Members that differ give all of theirs in one text, so that nothing can equal it. Raises
    CannotTell when nobody answers.
    """
    asked = survey(configuration)
    found = [one for one in asked if one["role"] != "unreachable"]
    if not found:
        raise CannotTell(f"no member answers: {'; '.join(told(asked))}")
    identifiers = sorted({one["system_identifier"] for one in found})
    return {
        "system_identifier": ", ".join(identifiers),
        "server_version": ", ".join(sorted({one["server_version"] for one in found})),
        "members": {one["name"]: one["system_identifier"] for one in found},
    }


def members(configuration: Configuration) -> list[dict[str, Any]]:
    """The members with role, timeline, LSNs and start; "unreachable" ones with why."""
    return survey(configuration)


def healthy(configuration: Configuration, timeout_s: float) -> dict[str, Any]:
    """One primary, every other member shows the canary, Patroni agrees, and all are the same."""
    found = survey(configuration)
    why = mixed_up(configuration, found) + unfollowed(configuration, found, timeout_s)
    primaries = [one["name"] for one in found if one["role"] == "primary"]
    if len(primaries) == 1:
        why += manager.unready(configuration, primaries[0])
    return {"healthy": not why, "why": why}


def redundant(configuration: Configuration, timeout_s: float) -> dict[str, Any]:
    """Whether every other member follows the one primary, by the canary."""
    why = unfollowed(configuration, survey(configuration), timeout_s)
    return {"redundant": not why, "why": why}


def clients(configuration: Configuration) -> list[dict[str, Any]]:
    """The application's own view: its connection string, as it stands, is what is judged."""
    endpoint = {
        "conninfo": configuration["system"]["client"],
        "table": marker.named(configuration, "attempts"),
    }
    module = "firemarshal.probes.recorder.postgres"
    return [{"name": "client", "judged": True, "module": module, "endpoint": endpoint}]


def capture(configuration: Configuration) -> dict[str, Any]:
    """Topology and settings to compare before and after; nothing that moves by itself.

    Who leads stands once: the roles of the others follow from it, and a failover would otherwise
    be told as many changes.
    """
    found = survey(configuration)
    primaries = [one for one in found if one["role"] == "primary"]
    kept: dict[str, Any] = {
        "leader": ", ".join(one["name"] for one in primaries) or "nobody",
        "timeline": max((one.get("timeline") or 0 for one in primaries), default=0),
        "members": {one["name"]: one.get("server_version") or one["role"] for one in found},
        "settings": _settings(configuration, primaries[0]["name"]) if primaries else {},
    }
    if manager.managed(configuration):
        kept["patroni"] = manager.redacted(manager.first_answer(configuration, "/config"))
    return kept


def _settings(configuration: Configuration, name: str) -> dict[str, Any]:
    """The leader's settings; which standby is the synchronous one is topology, not a setting."""
    query = "SELECT name, current_setting(name) FROM unnest($1::text[]) AS name"
    with Session(configuration, table_of(configuration, name), ANSWER_WITHIN_S) as session:
        rows = session.rows(query, f"{{{','.join(SETTINGS)}}}")
    found = {str(key): value for key, value in rows}
    synchronous = "yes" if found.pop("synchronous_standby_names") else "no"
    return {**found, "synchronous": synchronous}
