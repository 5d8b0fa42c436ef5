"""Automatic failover is switched off: Patroni looks on and does nothing."""

from typing import Any

from firemarshal.actions.postgres.patroni import ask, dynamic_configuration, managers
from firemarshal.fault import Fault

FAULT = Fault(
    kinds=("postgres",),
    does="Patroni is set to pause for the whole cluster",
    lasts="until healed",
    needs=("Patroni: PATCH /config",),
)
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The cluster's dynamic configuration; one that is paused already is left alone."""
    member = managers(configuration["system"])[0]
    if dynamic_configuration(member["manager_url"]).get("pause"):
        return []
    return [
        {
            "id": f"dynamic configuration of {configuration['system']['name']}",
            "name": configuration["system"]["name"],
            "before": {"pause": False},
            "found": {},
            "undo": f"curl -sS -X PATCH {member['manager_url']}/config -d '{{\"pause\": null}}'",
        }
    ]


def inject(victims: list[Json], configuration: Json) -> None:
    """Through the first member that answers."""
    _set_pause(configuration, True)


def bit(victims: list[Json], configuration: Json) -> Json:
    """Every manager that answers says by itself that it is paused; they read it from the DCS."""
    says = {
        one["name"]: bool(one["says"].get("pause")) for one in managers(configuration["system"])
    }
    return {"bit": all(says.values()), "seen": f"paused: {says}"}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """Switch it on again and wait until no manager is paused any more."""
    _set_pause(configuration, None)
    return [
        f"{one['name']} is still paused"
        for one in managers(configuration["system"])
        if one["says"].get("pause")
    ]


def _set_pause(configuration: Json, value: bool | None) -> None:
    member = managers(configuration["system"])[0]
    ask(f"{member['manager_url']}/config", "PATCH", {"pause": value})
