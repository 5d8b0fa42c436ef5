"""The primary's process tree dies at once, as in a crash; its machine and manager live on."""

import shlex
from typing import Any

from firemarshal.actions.postgres import patroni, timelines
from firemarshal.actions.postgres.members import (
    host_of,
    lone_primary,
    member_named,
    postmaster,
    state_of,
    still_leads,
)
from firemarshal.clock import now_us
from firemarshal.fault import Fault, NotDone
from firemarshal.hosts import Host

FAULT = Fault(
    kinds=("postgres",),
    does="SIGKILL of the primary's postmaster and all its children, within milliseconds",
    lasts="moment",
    leaves="another leader and timeline, where failover is automatic; a standby copied anew, "
    "where two were promoted unseen",
    needs=("host: signal the postgres processes, read its data folder",),
)
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The one primary; two of them is a split brain and refused."""
    return [
        {
            "id": f"{member['name']} postmaster {process.pid} started {process.start}",
            "name": member["name"],
            "before": {"role": "primary", "running": True},
            "found": {"pid": process.pid, "start": process.start, "argv": list(process.arguments)},
            "undo": by_hand(member, list(process.arguments), machine),
        }
        for member, machine, process in lone_primary(configuration["system"])
    ]


def inject(victims: list[Json], configuration: Json) -> Json:
    """Kill each tree in one go, after a last look that it still leads.

    Returns when that was, because making sure of the victim takes longer than killing it.
    """
    struck: Json = {}
    for victim in victims:
        member, machine = _member(victim, configuration)
        still_leads(victim, member, machine)
        struck.setdefault("earliest_us", now_us())
        machine.kill_tree(victim["found"]["pid"], victim["found"]["start"])
        struck["latest_us"] = now_us()
    return struck


def bit(victims: list[Json], configuration: Json) -> Json:
    """The process table no longer holds those pids with those start times."""
    alive = [one["id"] for one in victims if state_of(_member(one, configuration)[1], one["found"])]
    gone = ", ".join(one["id"] for one in victims)
    return {
        "bit": not alive,
        "seen": f"still alive: {', '.join(alive)}" if alive else f"gone: {gone}",
    }


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """PostgreSQL runs again in that data folder; started by us only where no manager would."""
    system, standing = configuration["system"], []
    for victim in victims:
        try:
            standing += _heal(victim, *_member(victim, configuration), system)
            standing += [] if standing else timelines.made_anew(system)
        except NotDone as problem:
            standing.append(f"{victim['id']}: {problem}")
    return standing


def _heal(victim: Json, member: Json, machine: Host, system: Json) -> list[str]:
    found = victim["found"]
    if state_of(machine, found) == "T":  # we died between the two signals
        machine.signal(found["pid"], found["start"], "SIGCONT")
        return [f"{victim['name']} was left stopped, and is let go on"]
    if postmaster(member, machine):
        return []
    if system["manager"] == "none":
        machine.spawn(found["argv"], {}, f"{member['data_directory']}/firemarshal-heal.log")
    elif patroni.dynamic_configuration(member["manager_url"]).get("pause"):
        patroni.restart(member["manager_url"])
    return [f"PostgreSQL of {victim['name']} is not running"]


def _member(victim: Json, configuration: Json) -> tuple[Json, Host]:
    member = member_named(configuration["system"], victim["name"])
    return member, host_of(configuration["system"], member["host"])


def by_hand(member: Json, argv: list[str], machine: Host) -> str:
    """What starts the server again where there is no firemarshal."""
    url = member["manager_url"]
    if url:
        return patroni.by_hand(url, "POST", "/restart", {})
    return machine.by_hand(f"setsid {shlex.join(argv)} </dev/null >/dev/null 2>&1 &")
