"""The toy's process dies; its supervisor starts it again, unless it was told not to."""

import shlex
from typing import Any

from firemarshal.actions.null.files import machine_of, member_of
from firemarshal.fault import Fault, NotDone, VictimChanged
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
                    "undo": f"rm -f {shlex.quote(_unsupervised(member))}",
                }
            )
    return found


def inject(victims: list[Json], configuration: Json) -> None:
    """One signal to exactly that process."""
    for victim in victims:
        member, machine = _member(victim, configuration)
        now, found = _process(member, machine), victim["found"]
        if now is None or (now.pid, now.start) != (found["pid"], found["start"]):
            raise VictimChanged(f"{victim['id']} does not answer any more")
        machine.signal(found["pid"], found["start"], "SIGKILL")


def bit(victims: list[Json], configuration: Json) -> Json:
    """Those processes are gone, whoever answers now."""
    alive = []
    for victim in victims:
        _, machine = _member(victim, configuration)
        wanted = (victim["found"]["pid"], victim["found"]["start"])
        alive += [
            f"{victim['id']} is in state {one.state}"
            for one in machine.processes()
            if (one.pid, one.start) == wanted and one.state not in "ZX"
        ]
    gone = ", ".join(victim["id"] for victim in victims)
    return {"bit": not alive, "seen": "; ".join(alive) or f"gone: {gone}"}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """The supervisor may work again; says what does not run yet."""
    standing = []
    for victim in victims:
        try:
            member, machine = _member(victim, configuration)
            machine.run(["rm", "-f", "--", _unsupervised(member)], COMMAND_S)
            if _process(member, machine) is None:
                standing.append(f"{victim['name']} is not running")
        except NotDone as problem:
            standing.append(f"{victim['id']}: {problem}")
    return standing


def _member(victim: Json, configuration: Json) -> tuple[Json, Host]:
    member = member_of(victim, configuration["system"])
    return member, machine_of(configuration["system"], member["host"])


def _unsupervised(member: Json) -> str:
    return f"{member['folder']}/unsupervised"


def _process(member: Json, machine: Host) -> Process | None:
    """The process that wrote its pid; one that got that pid later does not name the folder."""
    try:
        pid = machine.read(f"{member['folder']}/pid").strip()
    except HostFailed:
        return None
    for one in machine.processes():
        if str(one.pid) == pid and one.state not in "ZX" and member["folder"] in one.arguments:
            return one
    return None
