"""The machine of the primary as one victim: its server and the manager that would restart it."""

from typing import Any

from firemarshal.actions.postgres import manager, timelines
from firemarshal.actions.postgres.members import (
    host_of,
    lone_primary,
    member_named,
    postmaster,
    state_of,
    still_leads,
)
from firemarshal.fault import NotDone, VictimChanged
from firemarshal.hosts import Host
from firemarshal.processes import Process

Json = dict[str, Any]


def aimed(configuration: Json) -> list[tuple[Json, Process, Process]]:
    """The primary as victim (without `undo`), its manager and its server; [] without a primary.

    NotDone in a split brain, and where no manager runs beside the primary.
    """
    found = []
    for member, machine, server in lone_primary(configuration["system"]):
        own = manager.manager_of(member, machine)
        if own is None:
            raise NotDone(f"nobody listens on the port of {member['name']}'s manager_url")
        victim = {
            "id": f"host of {member['name']}: manager {own.pid}, postmaster {server.pid}",
            "name": member["name"],
            "before": {"role": "primary", "manager": own.state, "server": server.state},
            "found": {
                "pid": server.pid,
                "start": server.start,
                "manager_pid": own.pid,
                "manager_start": own.start,
            },
        }
        found.append((victim, own, server))
    return found


def machine_of(victim: Json, configuration: Json) -> tuple[Json, Host]:
    """The victim's member and its machine; VictimChanged when the system has no such member."""
    member = member_named(configuration["system"], victim["name"])
    return member, host_of(configuration["system"], member["host"])


def manager_in(victim: Json) -> Json:
    """The manager's pid and start time."""
    found = victim["found"]
    return {"pid": found["manager_pid"], "start": found["manager_start"]}


def still_whole(victim: Json, member: Json, machine: Host) -> None:
    """VictimChanged unless both processes are the ones found, and the member still leads."""
    still_leads(victim, member, machine)
    now, aimed_at = manager.manager_of(member, machine), manager_in(victim)
    if now is None or (now.pid, now.start) != (aimed_at["pid"], aimed_at["start"]):
        raise VictimChanged(f"{victim['id']}: that manager is not this member's any more")


def back(victims: list[Json], configuration: Json) -> list[str]:
    """Start again the managers that are gone, as they ran; what is not back yet, in words.

    The server and its role are the manager's business, which is waited for.
    """
    standing = []
    for victim in victims:
        try:
            standing += _back(victim, *machine_of(victim, configuration))
            standing += [] if standing else timelines.made_anew(configuration["system"])
        except NotDone as problem:
            standing.append(f"{victim['id']}: {problem}")
    return standing


def _back(victim: Json, member: Json, machine: Host) -> list[str]:
    for process in (manager_in(victim), victim["found"]):  # we died between two signals
        if state_of(machine, process) == "T":
            machine.signal(process["pid"], process["start"], "SIGCONT")
    if manager.manager_of(member, machine) is None:
        manager.start_again(machine, victim["found"]["again"])
        return [f"the manager of {victim['name']} does not listen yet"]
    if postmaster(member, machine) is None:
        return [f"PostgreSQL of {victim['name']} is not running"]
    return []
