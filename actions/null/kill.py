"""The toy's process dies; its supervisor starts it again, unless it was told not to."""

from typing import Any

from firemarshal.actions.null.files import machine_of
from firemarshal.fault import Fault, VictimChanged
from firemarshal.hosts import Host, HostFailed
from firemarshal.processes import Process

FAULT = Fault(kinds=("null",), does="SIGKILL of the process that answers", lasts="moment")
COMMAND_S = 5.0
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The processes that answer now."""
    found = []
    for member in configuration["system"]["members"]:
        if process := _process(member, machine_of(configuration["system"], member["host"])):
            found.append(
                {
                    "id": f"{member['name']} process {process.pid} started {process.start}",
                    "name": member["name"],
                    "before": {"running": True},
                    "found": {"pid": process.pid, "start": process.start},
                    "undo": f"rm -f {member['folder']}/unsupervised",
                }
            )
    return found


def inject(victims: list[Json], configuration: Json) -> None:
    """One signal to exactly that process."""
    for victim, member, machine in _each(victims, configuration):
        now = _process(member, machine)
        if now is None or now.start != victim["found"]["start"]:
            raise VictimChanged(f"{victim['id']} does not answer any more")
        machine.signal(victim["found"]["pid"], victim["found"]["start"], "SIGKILL")


def bit(victims: list[Json], configuration: Json) -> Json:
    """That process is gone, whoever answers now."""
    for victim, _, machine in _each(victims, configuration):
        for one in machine.processes():
            if one.start == victim["found"]["start"] and one.pid == victim["found"]["pid"]:
                return {"bit": one.state == "Z", "seen": f"{victim['id']} is in state {one.state}"}
    return {"bit": True, "seen": f"gone: {victims[0]['id']}"}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """The supervisor may work again; says what does not run yet."""
    standing = []
    for victim, member, machine in _each(victims, configuration):
        machine.run(["rm", "-f", f"{member['folder']}/unsupervised"], COMMAND_S)
        if _process(member, machine) is None:
            standing.append(f"{victim['name']} is not running")
    return standing


def _each(victims: list[Json], configuration: Json) -> list[tuple[Json, Json, Host]]:
    system = configuration["system"]
    members = {one["name"]: one for one in system["members"]}
    return [
        (victim, members[victim["name"]], machine_of(system, members[victim["name"]]["host"]))
        for victim in victims
    ]


def _process(member: Json, machine: Host) -> Process | None:
    try:
        pid = machine.read(f"{member['folder']}/pid").strip()
    except HostFailed:
        return None
    return next(
        (one for one in machine.processes() if str(one.pid) == pid and one.state != "Z"), None
    )
