"""Members as the machines tell them: which data folder has a postmaster, and which one leads."""

from typing import Any

from firemarshal.fault import NotDone, VictimChanged
from firemarshal.hosts import Host, HostFailed, host
from firemarshal.processes import Process

Json = dict[str, Any]
COMMAND_S = 5.0
PORT_LINE = 3  # of postmaster.pid, counted from 0


def host_of(system: Json, name: str) -> Host:
    """The host that a member names in its profile."""
    return host(next(one for one in system["hosts"] if one["name"] == name))


def postmaster(member: Json, machine: Host) -> Process | None:
    """The live postmaster of a member's data folder, None when there is none.

    `postmaster.pid` stays behind after a crash and its pid may be given out again, even to another
    server: the process must be there, be a postgres, no zombie, and live in that folder.
    """
    folder = member["data_directory"]
    try:
        written = machine.read(f"{folder}/postmaster.pid").splitlines()
    except HostFailed:
        return None
    pid = written[0].strip() if written else ""
    if len(written) > PORT_LINE and written[PORT_LINE].strip() != str(member["port"]):
        raise VictimChanged(
            f"the server in {folder} listens on port {written[PORT_LINE].strip()}, the profile "
            f"says {member['port']} for {member['name']}: it is another one, so it is left alone"
        )
    for process in machine.processes():
        if str(process.pid) == pid and process.state not in "ZX" and "postgres" in process.name:
            home = ["test", f"/proc/{pid}/cwd", "-ef", folder]
            return process if machine.run(home, COMMAND_S).code == 0 else None
    return None


def leads(member: Json, machine: Host) -> bool:
    """Whether the member would come up as a primary: a standby has `standby.signal`."""
    return not machine.exists(f"{member['data_directory']}/standby.signal")


def primaries(system: Json) -> list[tuple[Json, Host, Process]]:
    """Every member that runs and leads: one in a healthy system, two in a split one."""
    found = []
    for member in system["members"]:
        machine = host_of(system, member["host"])
        process = postmaster(member, machine)
        if process is not None and leads(member, machine):
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
    now, found = postmaster(member, machine), victim["found"]
    if now is None or (now.pid, now.start) != (found["pid"], found["start"]):
        raise VictimChanged(
            f"{victim['id']} is not the primary any more: its folder has "
            f"{f'process {now.pid} started {now.start}' if now else 'no running server'} now"
        )
    if not leads(member, machine):
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
