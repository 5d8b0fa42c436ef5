"""The primary hands over to its standby in order, as in planned maintenance."""

import time
from typing import Any

from firemarshal.actions.postgres.members import (
    host_of,
    lone_primary,
    member_named,
    primaries,
    receives,
    still_leads,
)
from firemarshal.actions.postgres.patroni import ask
from firemarshal.clock import now_us
from firemarshal.fault import Fault, NotDone

FAULT = Fault(
    kinds=("postgres",),
    does="Patroni is asked to move the leadership to another member",
    lasts="moment",
    leaves="another leader and timeline",
    needs=("Patroni: POST /switchover",),
)
UNDER_WAY_S = 1.5
SWITCH_S, FOLLOW_US, LOOK_EVERY_S = 20.0, 12_000_000, 0.1
ALL_US = 28_000_000  # a keeper ends an injection after 30 s
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The member that leads now; NotDone where nobody could be asked to move it."""
    found = lone_primary(configuration["system"])
    for member, _, _ in found:
        if not member["manager_url"]:
            raise NotDone(f"{member['name']} has no manager to ask for a switchover")
    return [
        {
            "id": f"leadership of {member['name']}, postmaster {process.pid}",
            "name": member["name"],
            "before": {"leader": member["name"]},
            "found": {"pid": process.pid, "start": process.start},
        }
        for member, _, process in found
    ]


def inject(victims: list[Json], configuration: Json) -> Json:
    """Ask the leader's own manager, and wait until another leads and the old one follows it.

    Returns when it was asked: the outage lies within the call, and would be lost with its length.
    A kill before the old one follows meets a pair that has no standby, which is another disaster.
    """
    asked: Json = {}
    until_us = now_us() + ALL_US
    for victim in victims:
        member = member_named(configuration["system"], victim["name"])
        still_leads(victim, member, host_of(configuration["system"], member["host"]))
        asked = {"earliest_us": now_us(), "latest_us": now_us()}
        ask(f"{member['manager_url']}/switchover", "POST", {"leader": victim["name"]}, SWITCH_S)
        _settle(victim["name"], configuration, min(now_us() + FOLLOW_US, until_us))
    return asked


def bit(victims: list[Json], configuration: Json) -> Json:
    """The machines say that another data folder leads."""
    leaders = _leaders(configuration)
    moved = bool(leaders) and victims[0]["name"] not in leaders
    return {"bit": moved, "seen": f"leading now: {', '.join(leaders) or 'nobody'}"}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """Nothing stands once one member leads and stays; leading back would be a fault of its own.

    Looked at twice where the old one leads: Patroni carries out what it was asked for by somebody
    who died meanwhile. Where another leads, that has been carried out.
    """
    before = _leaders(configuration)
    if len(before) == 1 and before != [one["name"] for one in victims]:
        return []
    time.sleep(UNDER_WAY_S)
    after = _leaders(configuration)
    steady = len(after) == 1 and before == after
    return [] if steady else [f"leading was {before}, and is {after}"]


def _settle(old: str, configuration: Json, until_us: int) -> None:
    """Wait until the old one has got something from the new one; that it never does is no error."""
    member = member_named(configuration["system"], old)
    machine = host_of(configuration["system"], member["host"])
    while now_us() < until_us:
        if (
            receives(member, machine)
            and old not in (leaders := _leaders(configuration))
            and leaders
        ):
            return
        time.sleep(LOOK_EVERY_S)


def _leaders(configuration: Json) -> list[str]:
    return [member["name"] for member, _, _ in primaries(configuration["system"])]
