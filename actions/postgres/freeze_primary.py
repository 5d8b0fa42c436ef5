"""The primary's machine stands still, as in a long pause of its virtual machine, and comes back.

Connections stay open and silent. Once thawed the old primary believes that it leads, until its
manager has looked: what it acknowledges meanwhile is thrown away.
"""

from contextlib import suppress
from typing import Any

from firemarshal.actions.postgres import primary_host
from firemarshal.actions.postgres.members import children, state_of
from firemarshal.clock import now_us
from firemarshal.fault import Fault, NotDone, VictimChanged
from firemarshal.hosts import Host
from firemarshal.processes import Process

FAULT = Fault(
    kinds=("postgres",),
    does="SIGSTOP of the primary's Patroni, postmaster and all its children",
    lasts="until healed",
    leaves="another leader and timeline, where failover is automatic",
    needs=("host: signal the manager and postgres, read the data folder",),
)
STANDSTILL = "T"
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The one primary and its manager; a frozen one is left alone."""
    return [
        {**victim, "undo": _by_hand(primary_host.machine_of(victim, configuration)[1], own, server)}
        for victim, own, server in primary_host.aimed(configuration)
        if STANDSTILL not in (own.state, server.state)
    ]


def inject(victims: list[Json], configuration: Json) -> Json:
    """The manager first, then the postmaster, so that it starts no child while they are stopped."""
    struck: Json = {}
    for victim in victims:
        member, machine = primary_host.machine_of(victim, configuration)
        primary_host.still_whole(victim, member, machine)
        struck.setdefault("earliest_us", now_us())
        for process in _both(victim):
            machine.signal_tree(process["pid"], process["start"], "SIGSTOP")
        struck["latest_us"] = now_us()
    return struck


def bit(victims: list[Json], configuration: Json) -> Json:
    """The process table says of exactly these and all their children that they are stopped."""
    states: dict[str, str] = {}
    for victim in victims:
        _, machine = primary_host.machine_of(victim, configuration)
        for process in _both(victim):
            states[str(process["pid"])] = state_of(machine, process) or "gone"
            states |= {str(one.pid): one.state for one in children(machine, process["pid"])}
    return {"bit": set(states.values()) == {STANDSTILL}, "seen": f"states: {states}"}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """Let all go on at once, as a machine does; one that is gone meanwhile stands no more."""
    standing = []
    for victim in victims:
        try:
            _, machine = primary_host.machine_of(victim, configuration)
            for process in _both(victim):
                with suppress(VictimChanged):
                    machine.signal_tree(process["pid"], process["start"], "SIGCONT")
        except NotDone as problem:
            standing.append(f"{victim['id']}: {problem}")
    return standing


def _both(victim: Json) -> tuple[Json, Json]:
    return primary_host.manager_in(victim), victim["found"]


def _by_hand(machine: Host, *both: Process) -> str:
    families = [f"{one.pid} $(cat /proc/{one.pid}/task/{one.pid}/children)" for one in both]
    return machine.by_hand(f"kill -CONT {' '.join(families)}")
