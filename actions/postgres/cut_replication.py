"""The replication path from the primary is cut; clients of both members notice nothing."""

import json
import socket
from typing import Any

from firemarshal.actions.postgres.members import (
    children,
    host_of,
    member_named,
    postmaster,
    primaries,
)
from firemarshal.fault import Fault, NotDone, VictimChanged

FAULT = Fault(
    kinds=("postgres",),
    does="every link whose upstream is the primary resets what is open and refuses what is new",
    lasts="until healed",
    needs=("engine: the links' proxy",),
)
TIMEOUT_S = 5.0
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The links that lead from the present primary and are whole."""
    return [
        {
            "id": f"link {link['name']}",
            "name": link["name"],
            "before": {"cut": False},
            "found": {"control": link["control"], "upstream": link["upstream"]},
            "undo": _by_hand(link),
        }
        for link in _leading(configuration["system"])
        if not _cut(link["control"], link["name"])
    ]


def inject(victims: list[Json], configuration: Json) -> None:
    """Through the control port of each link's proxy."""
    leading = {one["name"]: one["control"] for one in _leading(configuration["system"])}
    for victim in victims:
        if leading.get(victim["name"]) != victim["found"]["control"]:
            raise VictimChanged(f"{victim['id']} does not lead from the primary any more")
    for victim in victims:
        _tell(victim, {"do": "cut", "link": victim["name"], "how": "reset"})


def bit(victims: list[Json], configuration: Json) -> Json:
    """The upstream's machine runs no WAL sender, and the links still say that they are cut."""
    system, senders, cut = configuration["system"], [], []
    for victim in victims:
        member = member_named(system, victim["found"]["upstream"])
        machine = host_of(system, member["host"])
        if parent := postmaster(member, machine):
            senders += [
                " ".join(one.arguments)
                for one in children(machine, parent.pid)
                if "walsender" in " ".join(one.arguments)
            ]
        cut.append(_cut(victim["found"]["control"], victim["name"]))
    seen = f"links cut: {cut}, WAL senders: {senders or 'none'}"
    return {"bit": all(cut) and not senders, "seen": seen}


def heal(victims: list[Json]) -> list[str]:
    """Mend every link, the others too when one fails."""
    standing = []
    for victim in victims:
        try:
            _tell(victim, {"do": "mend", "link": victim["name"]})
            if _cut(victim["found"]["control"], victim["name"]):
                standing.append(f"{victim['id']} is still cut")
        except NotDone as problem:
            standing.append(f"{victim['id']}: {problem}")
    return standing


def _leading(system: Json) -> list[Json]:
    leaders = [member["name"] for member, _, _ in primaries(system)]
    return [link for link in system["links"] if link["upstream"] in leaders]


def _tell(victim: Json, request: Json) -> Json:
    return ask_proxy(victim["found"]["control"], request)


def _cut(control: str, link: str) -> bool:
    links = ask_proxy(control, {"do": "status"})["links"]
    if link not in links:
        raise NotDone(f"the proxy at {control} has no link {link!r}; it has {sorted(links)}")
    return bool(links[link]["how"])


def ask_proxy(control: str, request: Json) -> Json:
    """One JSON line there and back; NotDone when the proxy does not answer or refuses."""
    address, _, port = control.rpartition(":")
    try:
        with socket.create_connection((address, int(port)), TIMEOUT_S) as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                answer: Json = json.loads(lines.readline() or b"{}")
    except (OSError, ValueError) as problem:
        raise NotDone(f"the link's proxy at {control} did not answer: {problem}") from None
    if not answer.get("ok"):
        raise NotDone(f"the link's proxy at {control} refused {request}: {answer.get('error')}")
    return answer


def _by_hand(link: Json) -> str:
    address, _, port = link["control"].rpartition(":")
    order = json.dumps({"do": "mend", "link": link["name"]})
    return f"bash -c 'exec 3<>/dev/tcp/{address}/{port}; echo '\\''{order}'\\'' >&3; head -1 <&3'"
