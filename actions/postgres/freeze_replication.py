"""Replication falls silent: the primary's WAL senders stand still, with their connections open.

Unlike a cut link nobody can see it from outside: the standby looks connected and gets nothing.
"""

from typing import Any

from firemarshal.actions.postgres.members import (
    children,
    host_of,
    lone_primary,
    member_named,
    state_of,
)
from firemarshal.clock import now_us
from firemarshal.fault import Fault, NotDone
from firemarshal.hosts import Host

FAULT = Fault(
    kinds=("postgres",),
    does="SIGSTOP of the primary's WAL senders",
    lasts="until healed",
    needs=("host: signal the postgres processes, read its data folder",),
)
STANDSTILL = "T"
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The primary's WAL senders that run."""
    return [
        {
            "id": f"{member['name']} WAL sender {sender.pid} started {sender.start}",
            "name": member["name"],
            "before": {"stopped": False},
            "found": {"pid": sender.pid, "start": sender.start},
            "undo": machine.by_hand(f"kill -CONT {sender.pid}"),
        }
        for member, machine, process in lone_primary(configuration["system"])
        for sender in children(machine, process.pid)
        if "walsender" in " ".join(sender.arguments) and sender.state != STANDSTILL
    ]


def inject(victims: list[Json], configuration: Json) -> Json:
    """All at once; one that has ended meanwhile is another victim."""
    machines = [(victim["found"], _machine(victim, configuration)) for victim in victims]
    earliest_us = now_us()
    for found, machine in machines:
        machine.signal(found["pid"], found["start"], "SIGSTOP")
    return {"earliest_us": earliest_us, "latest_us": now_us()}


def bit(victims: list[Json], configuration: Json) -> Json:
    """The process table says of exactly these that they are stopped."""
    states = {
        one["id"]: state_of(_machine(one, configuration), one["found"]) or "gone" for one in victims
    }
    return {"bit": set(states.values()) == {STANDSTILL}, "seen": f"states: {states}"}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """Let them go on; one that is gone meanwhile stands no more."""
    standing = []
    for victim in victims:
        try:
            machine = _machine(victim, configuration)
            if state_of(machine, victim["found"]):
                machine.signal(victim["found"]["pid"], victim["found"]["start"], "SIGCONT")
        except NotDone as problem:
            standing.append(f"{victim['id']}: {problem}")
    return standing


def _machine(victim: Json, configuration: Json) -> Host:
    system = configuration["system"]
    return host_of(system, member_named(system, victim["name"])["host"])
