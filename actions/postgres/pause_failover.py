"""Automatic failover is switched off: Patroni looks on and does nothing."""

import time
from typing import Any

from firemarshal.actions.postgres.patroni import (
    ask,
    by_hand,
    dynamic_configuration,
    managed,
    managers,
)
from firemarshal.fault import Fault, VictimChanged

FAULT = Fault(
    kinds=("postgres",),
    does="Patroni is set to pause for the whole cluster",
    lasts="until healed",
    needs=("Patroni: PATCH /config",),
)
SET_S = 12.0  # longer than Patroni tries, or what it gave up for could still come true later
SETTLE_S = 1.5
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The cluster's dynamic configuration; one that is paused already is left alone."""
    system = configuration["system"]
    first = managers(system)[0]
    if dynamic_configuration(first["manager_url"]).get("pause"):
        return []
    lines = [
        by_hand(one["manager_url"], "PATCH", "/config", {"pause": None}) for one in managed(system)
    ]
    return [
        {
            "id": f"dynamic configuration of {system['name']}",
            "name": system["name"],
            "before": {"pause": False},
            "found": {"scope": first["says"]["patroni"]["scope"]},
            "undo": " || ".join(lines),
        }
    ]


def inject(victims: list[Json], configuration: Json) -> None:
    """Through the first member that answers."""
    _set_pause(victims, configuration, True)


def bit(victims: list[Json], configuration: Json) -> Json:
    """Every manager that answers says by itself that it is paused; they read it from the DCS."""
    found = managers(configuration["system"])
    says = {one["name"]: bool(one["says"].get("pause")) for one in found}
    return {"bit": all(says.values()), "seen": f"paused: {says}"}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """Switch it on again, and look once more after what was cut off may have arrived."""
    _set_pause(victims, configuration, None)
    time.sleep(SETTLE_S)
    answer = managers(configuration["system"])
    names = {one["name"] for one in answer}
    silent = [one["name"] for one in configuration["system"]["members"] if one["name"] not in names]
    paused = [one["name"] for one in answer if one["says"].get("pause")]
    if dynamic_configuration(answer[0]["manager_url"]).get("pause"):
        paused.append("the cluster")
    return [f"{name} is still paused" for name in paused] + [
        f"{name} does not answer, so nobody can tell whether it is paused" for name in silent
    ]


def _set_pause(victims: list[Json], configuration: Json, value: bool | None) -> None:
    system = configuration["system"]
    first = managers(system)[0]
    scope = first["says"]["patroni"]["scope"]
    for victim in victims:
        if (victim["name"], victim["found"]["scope"]) != (system["name"], scope):
            raise VictimChanged(f"{victim['id']} is not what {scope} of {system['name']} has")
        ask(f"{first['manager_url']}/config", "PATCH", {"pause": value}, SET_S)
