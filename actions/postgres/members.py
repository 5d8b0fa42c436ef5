"""Members as the machines tell them: which data folder has a postmaster, and which one leads."""

from typing import Any

from firemarshal.hosts import Host, HostFailed, host
from firemarshal.processes import Process

Json = dict[str, Any]


def host_of(system: Json, name: str) -> Host:
    """The host that a member names in its profile."""
    return host(next(one for one in system["hosts"] if one["name"] == name))


def postmaster(member: Json, machine: Host) -> Process | None:
    """The live postmaster of a member's data folder, None when there is none.

    `postmaster.pid` stays behind after a crash and its pid may be given out again, so the
    process must be there, be a postgres, and not be a zombie.
    """
    try:
        written = machine.read(f"{member['data_directory']}/postmaster.pid").split()
    except HostFailed:
        return None
    for process in machine.processes():
        if str(process.pid) == written[0] and process.state not in "ZX":
            return process if "postgres" in process.name else None
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


def member_named(system: Json, name: str) -> Json:
    """The member's table in the profile."""
    found: Json = next(one for one in system["members"] if one["name"] == name)
    return found
