"""The primary dies, and so does its successor as soon as it has a follower again.

T0 is the first death. Not earlier: a successor that nobody has followed yet leaves two members that
chose the same timeline number, which Patroni does not notice (see `timelines`).
"""

import time
from typing import Any

from firemarshal.actions.postgres import kill_primary, kill_standby
from firemarshal.actions.postgres.members import host_of, leads, member_named, receives, state_of
from firemarshal.clock import now_us
from firemarshal.fault import Fault, NotDone
from firemarshal.hosts import Host

FAULT = Fault(
    kinds=("postgres",),
    does="SIGKILL of the primary's whole tree, and of its successor's when the first follows",
    lasts="moment",
    leaves="another leader and timeline, where failover is automatic",
    needs=("host: signal the postgres processes, read its data folder",),
)
SUCCEEDS_WITHIN_S, LOOK_EVERY_S = 25, 0.05
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The primary and the one standby that can succeed it, in this order; [] without either."""
    first, others = kill_primary.aim(configuration), kill_standby.aim(configuration)
    if len(others) > 1:
        raise NotDone(f"{len(others)} standbys could succeed, so nobody can say which one would")
    return [*first, *others] if first and others else []


def inject(victims: list[Json], configuration: Json) -> Json:
    """The successor keeps its process when it is promoted, so it is known from the beginning."""
    first, second = victims
    struck = kill_primary.inject([first], configuration)
    old = _member(first, configuration)
    member, machine = _member(second, configuration)
    until_us = now_us() + SUCCEEDS_WITHIN_S * 1_000_000
    while not (leads(member, machine) and receives(*old)):
        if now_us() > until_us or not state_of(machine, second["found"]):
            raise NotDone(
                f"{second['id']} got no follower after {first['id']}, so it was left alone"
            )
        time.sleep(LOOK_EVERY_S)
    kill_primary.inject([second], configuration)
    return struck


def bit(victims: list[Json], configuration: Json) -> Json:
    """The process table no longer holds either of them."""
    return kill_primary.bit(victims, configuration)


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """PostgreSQL runs again in both data folders, as after the death of one primary."""
    return kill_primary.heal(victims, configuration)


def _member(victim: Json, configuration: Json) -> tuple[Json, Host]:
    member = member_named(configuration["system"], victim["name"])
    return member, host_of(configuration["system"], member["host"])
