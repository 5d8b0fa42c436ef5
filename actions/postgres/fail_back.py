"""The old primary leads again: the standby that follows is made the leader, as people do it."""

import time
from typing import Any

from firemarshal.actions.postgres.members import host_of, member_named, primaries, receives
from firemarshal.actions.postgres.patroni import ask, managers
from firemarshal.clock import now_us
from firemarshal.fault import NotDone, Recovery

RECOVERY = Recovery(
    kinds=("postgres",),
    does="Patroni is asked to hand the leadership to the standby that follows",
    takes_up_to_s=60,
    leaves="another leader and timeline",
    needs=("Patroni: POST /switchover",),
)
SWITCH_S, FOLLOW_US, LOOK_EVERY_S = 20.0, 12_000_000, 0.2
Json = dict[str, Any]


def aim(configuration: Json, to: str = "") -> list[Json]:
    """The standby that is to lead, `to` by name where there are several; NotDone for no one."""
    said = managers(configuration["system"])
    leaders = [one["name"] for one in said if one["says"].get("role") in ("primary", "master")]
    following = [
        one["name"]
        for one in said
        if one["says"].get("role") == "replica" and one["says"].get("state") == "running"
    ]
    if len(leaders) != 1:
        raise NotDone(f"leading now: {', '.join(leaders) or 'nobody'}; need one to hand over")
    chosen = [one for one in following if to in ("", one)]
    if len(chosen) != 1:
        raise NotDone(
            f"standbys that could lead: {', '.join(chosen) or 'none'}; need one, say `to`"
        )
    return [
        {
            "id": f"leadership, from {leaders[0]} to {chosen[0]}",
            "name": chosen[0],
            "before": {"leader": leaders[0]},
            "found": {},
        }
    ]


def perform(victims: list[Json], configuration: Json) -> None:
    """Ask the leader's own manager; it answers when the other one leads."""
    for victim in victims:
        old = member_named(configuration["system"], victim["before"]["leader"])
        body = {"leader": old["name"], "candidate": victim["name"]}
        ask(f"{old['manager_url']}/switchover", "POST", body, SWITCH_S)


def done(victims: list[Json], configuration: Json) -> Json:
    """The machines say it: whose data folder leads, and that the other one receives from it."""
    system = configuration["system"]
    leading = [member["name"] for member, _, _ in primaries(system)]
    others = [one for one in system["members"] if one["name"] not in leading]
    silent = [one["name"] for one in others if not receives(one, host_of(system, one["host"]))]
    led = leading == [victim["name"] for victim in victims]
    seen = (
        f"leading: {', '.join(leading) or 'nobody'}; not following: {', '.join(silent) or 'none'}"
    )
    return {"done": led and not silent, "seen": seen}


def remove(victims: list[Json], configuration: Json) -> list[str]:
    """It makes nothing; only that the handover is not half done has to be seen.

    Looked at for a while: Patroni carries out what it was asked for by somebody who died.
    """
    until_us = now_us() + FOLLOW_US
    while len(leading := primaries(configuration["system"])) != 1 and now_us() < until_us:
        time.sleep(LOOK_EVERY_S)
    names = ", ".join(member["name"] for member, _, _ in leading)
    return [] if len(leading) == 1 else [f"leading now: {names or 'nobody'}"]
