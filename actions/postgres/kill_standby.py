"""The standby's process tree dies at once: clients of the primary should notice nothing."""

from typing import Any

from firemarshal.actions.postgres import kill_primary
from firemarshal.actions.postgres.look import look
from firemarshal.actions.postgres.members import host_of, leads, member_named
from firemarshal.clock import now_us
from firemarshal.fault import Fault, VictimChanged

FAULT = Fault(
    kinds=("postgres",),
    does="SIGKILL of every standby's postmaster and all its children, within milliseconds",
    lasts="moment",
    needs=("host: signal the postgres processes, read its data folder",),
    unnoticed=True,
)
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The members that run and do not lead."""
    system, found = configuration["system"], []
    for member in system["members"]:
        machine = host_of(system, member["host"])
        process, leading = look(member, machine)
        if process is not None and not leading:
            argv = list(process.arguments)
            found.append(
                {
                    "id": f"{member['name']} postmaster {process.pid} started {process.start}",
                    "name": member["name"],
                    "before": {"role": "standby", "running": True},
                    "found": {"pid": process.pid, "start": process.start, "argv": argv},
                    "undo": kill_primary.by_hand(member, argv, machine),
                }
            )
    return found


def inject(victims: list[Json], configuration: Json) -> Json:
    """Kill each tree in one go, after a last look that it did not become the primary."""
    struck: Json = {}
    for victim in victims:
        member = member_named(configuration["system"], victim["name"])
        machine = host_of(configuration["system"], member["host"])
        if leads(member, machine):
            raise VictimChanged(f"{victim['id']} is no standby any more: it leads now")
        struck.setdefault("earliest_us", now_us())
        machine.kill_tree(victim["found"]["pid"], victim["found"]["start"])
        struck["latest_us"] = now_us()
    return struck


def bit(victims: list[Json], configuration: Json) -> Json:
    """The process table no longer holds those pids with those start times."""
    return kill_primary.bit(victims, configuration)


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """PostgreSQL runs again in that data folder, as after the death of a primary."""
    return kill_primary.heal(victims, configuration)
