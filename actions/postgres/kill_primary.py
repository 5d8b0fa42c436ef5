"""The primary's process tree dies at once, as in a crash; its machine and manager live on."""

from typing import Any

from firemarshal.actions.postgres.members import (
    host_of,
    leads,
    member_named,
    postmaster,
    primaries,
)
from firemarshal.clock import now_us
from firemarshal.fault import Fault, NotDone, VictimChanged
from firemarshal.hosts import Host

FAULT = Fault(
    kinds=("postgres",),
    does="SIGKILL of the primary's postmaster and all its children within a millisecond",
    lasts="moment",
    leaves="another leader and timeline, where failover is automatic",
    needs=("host: signal the postgres processes, read its data folder",),
)
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The one primary; two of them is a split brain and refused."""
    found = primaries(configuration["system"])
    if len(found) > 1:
        raise NotDone(
            f"{len(found)} members lead at once: {', '.join(m['name'] for m, _, _ in found)}"
        )
    return [
        {
            "id": f"{member['name']} postmaster {process.pid} started {process.start}",
            "name": member["name"],
            "before": {"role": "primary", "running": True},
            "found": {"pid": process.pid, "start": process.start, "argv": list(process.arguments)},
            "undo": _by_hand(member, list(process.arguments)),
        }
        for member, _, process in found
    ]


def inject(victims: list[Json], configuration: Json) -> Json:
    """Stop the postmaster first, so that it cannot say goodbye for its children, then kill all.

    Returns when that was, because making sure of the victim takes longer than killing it.
    """
    struck: Json = {}
    for victim, member, machine in _each(victims, configuration):
        pid, start = victim["found"]["pid"], victim["found"]["start"]
        now = postmaster(member, machine)
        if now is None or (now.pid, now.start) != (pid, start) or not leads(member, machine):
            raise VictimChanged(f"{victim['id']} is not the primary any more")
        struck.setdefault("earliest_us", now_us())
        machine.signal(pid, start, "SIGSTOP")
        children = [one for one in machine.processes() if one.parent == pid and one.state != "Z"]
        machine.signal(pid, start, "SIGKILL")
        for child in children:
            _kill(machine, child.pid, child.start)
        struck["latest_us"] = now_us()
    return struck


def bit(victims: list[Json], configuration: Json) -> Json:
    """The process table no longer holds that pid with that start time."""
    alive = [
        victim["id"]
        for victim, _, machine in _each(victims, configuration)
        if _lives(machine, victim["found"])
    ]
    seen = f"still alive: {', '.join(alive)}" if alive else f"gone: {victims[0]['id']}"
    return {"bit": not alive, "seen": seen}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """PostgreSQL runs again in that data folder; started by us only where no manager would."""
    standing = []
    for victim, member, machine in _each(victims, configuration):
        found = _lives(machine, victim["found"])
        if found == "T":
            machine.signal(victim["found"]["pid"], victim["found"]["start"], "SIGCONT")
        elif postmaster(member, machine) is None:
            standing.append(f"PostgreSQL of {victim['name']} is not running")
            if configuration["system"]["manager"] == "none":
                log = f"{member['data_directory']}/firemarshal-heal.log"
                machine.spawn(victim["found"]["argv"], {}, log)
    return standing


def _each(victims: list[Json], configuration: Json) -> list[tuple[Json, Json, Host]]:
    system = configuration["system"]
    members = [(one, member_named(system, one["name"])) for one in victims]
    return [(one, member, host_of(system, member["host"])) for one, member in members]


def _lives(machine: Host, found: Json) -> str:
    """The state letter of exactly that process, "" when it is gone or a zombie."""
    for process in machine.processes():
        if (process.pid, process.start) == (found["pid"], found["start"]):
            return "" if process.state in "ZX" else process.state
    return ""


def _kill(machine: Host, pid: int, start: int) -> None:
    try:
        machine.signal(pid, start, "SIGKILL")
    except VictimChanged:
        return  # it died with its postmaster


def _by_hand(member: Json, argv: list[str]) -> str:
    if member["manager_url"]:
        return f"curl -sS -X POST {member['manager_url']}/restart -d '{{}}'"
    return " ".join(argv)
