"""Members as the machines tell them: which data folder has a postmaster, and which one leads."""

from typing import Any

from firemarshal.actions.postgres.look import look
from firemarshal.fault import NotDone, VictimChanged
from firemarshal.hosts import Host, host
from firemarshal.processes import Process

Json = dict[str, Any]


def host_of(system: Json, name: str) -> Host:
    """The host that a member names in its profile."""
    return host(next(one for one in system["hosts"] if one["name"] == name))


def postmaster(member: Json, machine: Host) -> Process | None:
    """The live postmaster of a member's data folder, None when there is none; see `look`."""
    return look(member, machine)[0]


def leads(member: Json, machine: Host) -> bool:
    """Whether the member would come up as a primary: a standby has `standby.signal`."""
    return look(member, machine)[1]


def primaries(system: Json) -> list[tuple[Json, Host, Process]]:
    """Every member that runs and leads: one in a healthy system, two in a split one."""
    found = []
    for member in system["members"]:
        machine = host_of(system, member["host"])
        process, leading = look(member, machine)
        if process is not None and leading:
            found.append((member, machine, process))
    return found


def lone_primary(system: Json) -> list[tuple[Json, Host, Process]]:
    """The primary as a list of one, or of none; NotDone in a split brain, where either is wrong."""
    found = primaries(system)
    if len(found) > 1:
        names = ", ".join(member["name"] for member, _, _ in found)
        raise NotDone(f"{len(found)} members lead at once: {names}")
    return found


def still_leads(victim: Json, member: Json, machine: Host) -> None:
    """VictimChanged unless exactly the postmaster that was found still runs as the primary."""
    (now, leading), found = look(member, machine), victim["found"]
    if now is None or (now.pid, now.start) != (found["pid"], found["start"]):
        raise VictimChanged(
            f"{victim['id']} is not the primary any more: its folder has "
            f"{f'process {now.pid} started {now.start}' if now else 'no running server'} now"
        )
    if not leading:
        raise VictimChanged(f"{victim['id']} is not the primary any more: it is a standby now")


def member_named(system: Json, name: str) -> Json:
    """The member's table in the profile; VictimChanged when this system has none of that name."""
    for member in system["members"]:
        if member["name"] == name:
            found: Json = member
            return found
    raise VictimChanged(f"{name} is no member of {system['name']}; cure: aim again")


def state_of(machine: Host, found: Json) -> str:
    """The state letter of exactly that process, "" when it is gone or a zombie."""
    for process in machine.processes():
        if (process.pid, process.start) == (found["pid"], found["start"]):
            return "" if process.state in "ZX" else process.state
    return ""


def children(machine: Host, pid: int) -> list[Process]:
    """The live children of a process."""
    return [one for one in machine.processes() if one.parent == pid and one.state not in "ZX"]


def receives(member: Json, machine: Host) -> bool:
    """Whether the member's WAL receiver has got data, as its title in the process table says.

    Only then it knows its upstream's timeline. Two members that were promoted without having seen
    each other choose the same number for theirs, and then no manager notices that they differ.
    """
    server = postmaster(member, machine)
    found = children(machine, server.pid) if server else []
    return any("walreceiver streaming" in " ".join(one.arguments) for one in found)
