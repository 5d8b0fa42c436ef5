"""The clock of the primary's machine jumps: timers and the manager's own plans live by it.

A jump ahead ends replication connections, which time out. After a jump back Patroni sleeps until a
time that was near, so that nobody looks after the primary until its leader key has run out.
"""

import time
from typing import Any

from firemarshal.actions.postgres.member_clock import (
    RIGHT,
    ahead_s,
    clock_of,
    set_clock,
    wake_manager,
)
from firemarshal.actions.postgres.members import lone_primary, still_leads
from firemarshal.clock import now_us
from firemarshal.fault import Fault, NotDone

FAULT = Fault(
    kinds=("postgres",),
    does="the wall clock that the primary and its manager see jumps, by a preloaded libfaketime",
    lasts="until healed",
    needs=(
        "clock: members started with a preloaded libfaketime, as by the lab's option clocks",
        "database: ask the member for its time",
    ),
    shows_within_s=5,
    unnoticed=True,
)
AN_HOUR_US = 3_600_000_000
SEEN_WITHIN_US, LOOK_EVERY_S = 5_000_000, 0.1  # the library reads its file again every second
Json = dict[str, Any]


def aim(configuration: Json, ahead_us: int = AN_HOUR_US) -> list[Json]:
    """The primary's clock, by so much ahead, or behind where it is negative; a moved one is left.

    NotDone where the member was not started so that its clock can be moved.
    """
    found = []
    for member, machine, process in lone_primary(configuration["system"]):
        if not member["clock"]:
            raise NotDone(
                f"{member['name']} was not started with a clock that can be moved; cure: on the "
                "lab options = { clocks = true }, elsewhere name its libfaketime's file as clock"
            )
        if machine.read(member["clock"]).strip() == RIGHT:
            moved = f"{ahead_us / 1e6:+.0f}"
            found.append(
                {
                    "id": f"clock of {member['name']}, postmaster {process.pid}",
                    "name": member["name"],
                    "before": {"clock": RIGHT},
                    "found": {"pid": process.pid, "start": process.start, "moved": moved},
                    "undo": machine.by_hand(f"echo {RIGHT} >{member['clock']}"),
                }
            )
    return found


def inject(victims: list[Json], configuration: Json) -> Json:
    """Write the jump, and wait until the server itself says another time than ours."""
    struck: Json = {}
    for victim in victims:
        member, machine = clock_of(victim, configuration)
        still_leads(victim, member, machine)
        struck.setdefault("earliest_us", now_us())
        set_clock(machine, member, victim["found"]["moved"])
        until_us = now_us() + SEEN_WITHIN_US
        while not _moved(victim, ahead_s(member, configuration)):
            if now_us() > until_us:
                raise NotDone(f"{victim['id']}: it still says the time that we see")
            time.sleep(LOOK_EVERY_S)
        struck["latest_us"] = now_us()
    return struck


def bit(victims: list[Json], configuration: Json) -> Json:
    """The server says over SQL what time it is, and it is not ours."""
    ahead = [ahead_s(clock_of(one, configuration)[0], configuration) for one in victims]
    moved = [_moved(one, seconds) for one, seconds in zip(victims, ahead, strict=True)]
    seen = ", ".join(f"{seconds:+.0f} s" for seconds in ahead)
    return {"bit": bool(moved) and all(moved), "seen": f"the server's clock against ours: {seen}"}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """Set the clock right and wake the manager, which else would sleep for as long."""
    standing = []
    for victim in victims:
        try:
            member, machine = clock_of(victim, configuration)
            set_clock(machine, member, RIGHT)
            if _moved(victim, ahead_s(member, configuration)):
                standing.append(f"{victim['id']}: the server has not read yet that it is right")
            standing += wake_manager(member)
        except NotDone as problem:
            standing.append(f"{victim['id']}: {problem}")
    return standing


def _moved(victim: Json, seconds: float) -> bool:
    return abs(seconds) > abs(float(victim["found"]["moved"])) / 2
