"""The primary's machine is lost: PostgreSQL and its manager are gone at once, nobody restarts them.

Unlike a machine without power, the processes' end still closes their connections.
"""

from typing import Any

from firemarshal.actions.postgres import manager, primary_host
from firemarshal.actions.postgres.members import postmaster, state_of
from firemarshal.clock import now_us
from firemarshal.fault import Fault

FAULT = Fault(
    kinds=("postgres",),
    does="SIGKILL of the primary's Patroni, postmaster and all its children; both stay down",
    lasts="until healed",
    leaves="another leader and timeline, where failover is automatic",
    needs=("host: signal and start the manager and postgres, read the data folder",),
)
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The one primary and the manager beside it, with all that is needed to start it again."""
    found = []
    for victim, own, _ in primary_host.aimed(configuration):
        _, machine = primary_host.machine_of(victim, configuration)
        again = manager.as_it_runs(machine, own)
        victim["found"]["again"] = again
        found.append({**victim, "undo": machine.by_hand(manager.by_hand(again))})
    return found


def inject(victims: list[Json], configuration: Json) -> Json:
    """The manager first, within milliseconds of its server, or it would start that again."""
    struck: Json = {}
    for victim in victims:
        member, machine = primary_host.machine_of(victim, configuration)
        primary_host.still_whole(victim, member, machine)
        struck.setdefault("earliest_us", now_us())
        for process in (primary_host.manager_in(victim), victim["found"]):
            machine.kill_tree(process["pid"], process["start"])
        struck["latest_us"] = now_us()
    return struck


def bit(victims: list[Json], configuration: Json) -> Json:
    """Neither process is left, nobody took their place, and the manager's port is silent."""
    alive = []
    for victim in victims:
        member, machine = primary_host.machine_of(victim, configuration)
        if own := manager.manager_of(member, machine):
            alive.append(f"process {own.pid} listens as the manager of {victim['name']}")
        if server := postmaster(member, machine):
            alive.append(f"postmaster {server.pid} runs on {victim['name']}")
        for process in (primary_host.manager_in(victim), victim["found"]):
            if state_of(machine, process):
                alive.append(f"process {process['pid']} of {victim['id']} is alive")
    gone = ", ".join(one["id"] for one in victims)
    return {"bit": not alive, "seen": "; ".join(alive) or f"gone: {gone}"}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """Start the manager as it ran; it starts PostgreSQL again in whatever role is left for it."""
    return primary_host.back(victims, configuration)
