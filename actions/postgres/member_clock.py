"""A member's wall clock, where a preloaded libfaketime reads from a file how far it is moved."""

import json
import time
from typing import Any

from firemarshal.actions.postgres import holding, patroni
from firemarshal.actions.postgres.members import host_of, member_named
from firemarshal.fault import NotDone, VictimChanged
from firemarshal.hosts import Host

RIGHT = "+0"
LOOKED_WITHIN_S = 10
WRITE = 'printf "%s\\n" "$2" >"$1.new" && mv "$1.new" "$1"'
TIME = "select extract(epoch from clock_timestamp())::float8"
WRITE_S = 5.0
Json = dict[str, Any]


def clock_of(victim: Json, configuration: Json) -> tuple[Json, Host]:
    """The victim's member and machine; VictimChanged when its clock cannot be moved."""
    member = member_named(configuration["system"], victim["name"])
    if not member["clock"]:
        raise VictimChanged(f"{victim['id']}: the profile names no clock of it")
    return member, host_of(configuration["system"], member["host"])


def set_clock(machine: Host, member: Json, offset: str) -> None:
    """Write the offset in seconds, as a whole: the library may read it at any moment."""
    said = machine.run(["sh", "-c", WRITE, "write", member["clock"], offset], WRITE_S)
    if said.code != 0:
        raise NotDone(f"{member['clock']} could not be written: {said.err.strip()}")


def ahead_s(member: Json, configuration: Json) -> float:
    """How far the server is ahead of us, as it says over a new connection; else NotDone."""
    conninfo = holding.conninfo_of(member, configuration, "operator")
    ((said,),) = holding.ask(conninfo, TIME)
    return float(said) - time.time()


def wake_manager(member: Json) -> list[str]:
    """Nothing once the manager has looked at the right time; a change of nothing makes it look.

    It sleeps until its next look, which it had planned by the clock that was ahead.
    """
    if not member["manager_url"]:
        return []
    looked_at_s = json.loads(patroni.ask(f"{member['manager_url']}/patroni"))["dcs_last_seen"]
    if abs(time.time() - looked_at_s) < LOOKED_WITHIN_S:
        return []
    patroni.ask(f"{member['manager_url']}/config", "PATCH", {"firemarshal": None})
    return [f"the manager of {member['name']} has not looked since its clock was set right"]
