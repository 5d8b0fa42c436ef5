"""Only the primary's manager dies: PostgreSQL goes on answering, and nobody will demote it.

Clients notice nothing. When the leader key has run out the standby takes over, and the old primary
still acknowledges what will be thrown away: the loss is made by silence.
"""

from typing import Any

from firemarshal.actions.postgres import manager, primary_host
from firemarshal.actions.postgres.members import state_of
from firemarshal.clock import now_us
from firemarshal.fault import Fault

FAULT = Fault(
    kinds=("postgres",),
    does="SIGKILL of the Patroni beside the primary; its PostgreSQL lives on",
    lasts="until healed",
    leaves="another leader and timeline, where failover is automatic",
    needs=("host: signal and start the manager, read the data folder",),
    shows_within_s=25,  # as long as a leader key is held, and a little more
)
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The manager of the one primary, with all that is needed to start it again."""
    found = []
    for victim, own, _ in primary_host.aimed(configuration):
        _, machine = primary_host.machine_of(victim, configuration)
        again = manager.as_it_runs(machine, own)
        victim["found"]["again"] = again
        found.append({**victim, "undo": machine.by_hand(manager.by_hand(again))})
    return found


def inject(victims: list[Json], configuration: Json) -> Json:
    """Kill it and what it may have forked, after a last look that its server still leads."""
    struck: Json = {}
    for victim in victims:
        member, machine = primary_host.machine_of(victim, configuration)
        primary_host.still_whole(victim, member, machine)
        own = primary_host.manager_in(victim)
        struck.setdefault("earliest_us", now_us())
        machine.kill_tree(own["pid"], own["start"])
        struck["latest_us"] = now_us()
    return struck


def bit(victims: list[Json], configuration: Json) -> Json:
    """That manager is gone, its port is silent, and PostgreSQL was not harmed with it."""
    wrong = []
    for victim in victims:
        member, machine = primary_host.machine_of(victim, configuration)
        if own := manager.manager_of(member, machine):
            wrong.append(f"process {own.pid} listens as the manager of {victim['name']}")
        if state_of(machine, primary_host.manager_in(victim)):
            wrong.append(f"the manager of {victim['id']} is alive")
        if not state_of(machine, victim["found"]):
            wrong.append(f"the server of {victim['id']} is gone too")
    gone = ", ".join(f"manager {one['found']['manager_pid']} of {one['name']}" for one in victims)
    return {"bit": not wrong, "seen": "; ".join(wrong) or f"gone: {gone}; its server runs"}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """Start the manager as it ran; it demotes a server that should not lead any more."""
    return primary_host.back(victims, configuration)
