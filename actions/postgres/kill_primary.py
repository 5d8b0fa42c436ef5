"""The primary's process tree dies at once, as in a crash; its machine and manager live on."""

import shlex
from typing import Any

from firemarshal.actions.postgres import patroni
from firemarshal.actions.postgres.members import (
    children,
    host_of,
    lone_primary,
    member_named,
    postmaster,
    state_of,
    still_leads,
)
from firemarshal.clock import now_us
from firemarshal.fault import Fault, NotDone, VictimChanged
from firemarshal.hosts import Host
from firemarshal.processes import Process

FAULT = Fault(
    kinds=("postgres",),
    does="SIGKILL of the primary's postmaster and all its children, within milliseconds",
    lasts="moment",
    leaves="another leader and timeline, where failover is automatic",
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
            "undo": _by_hand(member, list(process.arguments)),
        }
        for member, _, process in lone_primary(configuration["system"])
    ]


def inject(victims: list[Json], configuration: Json) -> Json:
    """Stop the postmaster first, so that it cannot say goodbye for its children, then kill all.

    Returns when that was, because making sure of the victim takes longer than killing it.
    """
    struck: Json = {}
    for victim in victims:
        member, machine = _member(victim, configuration)
        still_leads(victim, member, machine)
        pid, start = victim["found"]["pid"], victim["found"]["start"]
        known = children(machine, pid)
        struck.setdefault("earliest_us", now_us())
        machine.signal(pid, start, "SIGSTOP")
        _kill(machine, known)
        struck["latest_us"] = now_us()
        if late := children(machine, pid):  # born between the look and the stop
            _kill(machine, late)
            struck["latest_us"] = now_us()
        machine.signal(pid, start, "SIGKILL")
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
    standing = []
    for victim in victims:
        try:
            standing += _heal(victim, *_member(victim, configuration), configuration["system"])
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


def _kill(machine: Host, processes: list[Process]) -> None:
    for one in processes:
        try:
            machine.signal(one.pid, one.start, "SIGKILL")
        except VictimChanged:
            continue  # it ended by itself


def _by_hand(member: Json, argv: list[str]) -> str:
    url = member["manager_url"]
    return patroni.by_hand(url, "POST", "/restart", {}) if url else shlex.join(argv)
