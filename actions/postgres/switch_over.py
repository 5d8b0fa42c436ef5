"""The primary hands over to its standby in order, as in planned maintenance."""

from typing import Any

from firemarshal.actions.postgres.members import member_named, primaries
from firemarshal.actions.postgres.patroni import ask
from firemarshal.fault import Fault, NotDone

FAULT = Fault(
    kinds=("postgres",),
    does="Patroni is asked to move the leadership to another member",
    lasts="moment",
    leaves="another leader and timeline",
    needs=("Patroni: POST /switchover",),
)
SWITCH_S = 25.0
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The member that leads now."""
    return [
        {
            "id": f"leadership of {member['name']}",
            "name": member["name"],
            "before": {"leader": member["name"]},
            "found": {"pid": process.pid, "start": process.start},
        }
        for member, _, process in primaries(configuration["system"])
    ]


def inject(victims: list[Json], configuration: Json) -> None:
    """Ask the leader's own manager; it answers when the new one has been promoted."""
    for victim in victims:
        member = member_named(configuration["system"], victim["name"])
        if not member["manager_url"]:
            raise NotDone(f"{victim['name']} has no manager to ask for a switchover")
        ask(f"{member['manager_url']}/switchover", "POST", {"leader": victim["name"]}, SWITCH_S)


def bit(victims: list[Json], configuration: Json) -> Json:
    """The machines say that another data folder leads."""
    leaders = [member["name"] for member, _, _ in primaries(configuration["system"])]
    moved = bool(leaders) and victims[0]["name"] not in leaders
    return {"bit": moved, "seen": f"leading now: {', '.join(leaders) or 'nobody'}"}


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """Nothing stands after a switchover; leading back would be one of its own."""
    return []
