"""Who belongs to the system behind one address: as its Patroni tells it, or PostgreSQL itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from firemarshal.bad_input import BadInput
from firemarshal.probes.postgres import manager, servers
from firemarshal.probes.postgres.addresses import bracketed, parts, speaks_postgres
from firemarshal.system import CannotTell

REST_PORT, SERVER_PORT = 8008, 5432
RUNS = ("running", "streaming", "in archive recovery")
Json = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """A system as it is now; `warnings` are what a person must know before a drill."""

    scope: str
    manager: str
    identifier: str
    members: list[Json]
    synchronous: bool = False
    warnings: list[str] = field(default_factory=list)


def at(address: str, login: Callable[[], str]) -> Found:
    """Find the members from one address of any of them; `login` is called without Patroni only.

    Raises BadInput with what was tried, what answered instead, and the cure.
    """
    scheme, host, port = parts(address)
    if scheme:
        return _managed(f"{scheme}://{bracketed(host)}:{port or REST_PORT}", address)
    own, beside = (f"http://{bracketed(host)}:{one}" for one in (port or REST_PORT, REST_PORT))
    if port and (_silent(own) == "" or not speaks_postgres(host, port)):
        return _managed(own, address)
    if (why := _silent(beside)) == "":
        return _managed(beside, address)
    server = port or SERVER_PORT
    if port or speaks_postgres(host, server):
        return Found("", "none", *servers.around(host, server, login()))
    raise BadInput(
        f"neither Patroni (port {REST_PORT}) nor PostgreSQL (port {SERVER_PORT}) answers: {why}",
        where=f"address {address}",
        cure="say the port too: HOST:PORT of Patroni's REST, or of PostgreSQL",
    )


def _silent(url: str) -> str:
    """Why nobody answers there as a manager would, "" when somebody does; asked before anything
    else is said, because a manager waits long for the rest of what it does not understand.
    """
    try:
        manager.get({"name": url, "manager_url": url}, "/cluster")
    except CannotTell as problem:
        return str(problem)
    return ""


def _managed(url: str, address: str) -> Found:
    where = f"address {address}"
    try:
        said = manager.get({"name": url, "manager_url": url}, "/cluster")
    except CannotTell as problem:
        cure = "say where Patroni's REST answers: `restapi: connect_address` in its configuration"
        raise BadInput(f"asked for Patroni's /cluster: {problem}", where=where, cure=cure) from None
    listed = said.get("members") if isinstance(said, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed or [0]):
        what = f"{url}/cluster answers, but not as Patroni does: it lists no members"
        raise BadInput(what, where=where, cure="say the address of Patroni's REST (port 8008)")
    members = [servers.managed(one, where) for one in listed]
    sick = [f"{one['name']} is {one['state']!r}" for one in members if one["state"] not in RUNS]
    leaders = [one["name"] for one in members if one["role"] == "leader"]
    if sick or len(leaders) != 1:
        what = "; ".join(sick) or f"{len(leaders)} members lead now"
        raise BadInput(
            f"the system is not whole, so it cannot be described: {what}",
            where=where,
            cure="repair it (patronictl list), then ask again; drills need it healthy anyway",
        )
    return _described(str(said.get("scope", "")), members, where)


def _described(scope: str, members: list[Json], where: str) -> Found:
    identifier, synchronous = servers.asked_of_managers(members, where)
    alone = f"{members[0]['name']} has no standby: nobody can take over, a drill will show that"
    keys = ("name", "address", "port", "manager_url")
    return Found(
        scope,
        "patroni",
        identifier,
        sorted(({key: one[key] for key in keys} for one in members), key=lambda one: one["name"]),
        synchronous,
        [alone] if len(members) == 1 else [],
    )
