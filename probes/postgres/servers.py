"""Each member asked who it is: over its manager, or, where there is none, over SQL."""

from typing import Any
from urllib.parse import urlsplit

from firemarshal.bad_input import BadInput
from firemarshal.probes.postgres import manager
from firemarshal.probes.postgres.connect import Row, Session
from firemarshal.system import CannotTell

WITHIN_S = 5.0
WHO = """
SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()),
  (SELECT sender_host FROM pg_stat_wal_receiver), (SELECT sender_port FROM pg_stat_wal_receiver)
"""
FOLLOWERS = """
SELECT application_name, host(client_addr) FROM pg_stat_replication WHERE state = 'streaming'
"""
Json = dict[str, Any]


def managed(said: Json, where: str) -> Json:
    """A member of Patroni's list as a profile has it; BadInput when a part is missing."""
    url = urlsplit(str(said.get("api_url", "")))
    member = {
        "name": str(said.get("name", "")),
        "address": str(said.get("host", "")),
        "port": int(said["port"]) if str(said.get("port")).isdecimal() else 0,
        "manager_url": f"{url.scheme}://{url.netloc}",
        "role": str(said.get("role", "")),
        "state": str(said.get("state", "")),
    }
    if not (member["name"] and url.netloc):
        what = f"Patroni lists a member without name or REST address: {said}"
        raise BadInput(what, where=where, cure="look with: patronictl list")
    if not (member["address"] and member["port"]):
        member["state"] = member["state"] or "without an address: it has never started"
    return member


def asked_of_managers(members: list[Json], where: str) -> tuple[str, bool]:
    """The system identifier that every manager answers, and whether commits wait for a standby."""
    answers = {}
    for member in members:
        try:
            said = _table(member, "/patroni")
        except CannotTell as problem:
            raise BadInput(
                f"the cluster names {member['manager_url']} for {member['name']}: {problem}",
                where=where,
                cure="let this machine reach that address: drills ask every member's Patroni",
            ) from None
        answers[member["name"]] = str(said.get("database_system_identifier", ""))
    if len(set(answers.values())) != 1 or not all(answers.values()):
        what = f"members answer different system identifiers: {answers}"
        raise BadInput(what, where=where, cure="these are not one system; look before any drill")
    try:
        mode = _table(members[0], "/config").get("synchronous_mode")
    except CannotTell as problem:
        raise BadInput(f"Patroni's /config: {problem}", where=where) from None
    return next(iter(answers.values())), str(mode).lower() in ("true", "on", "quorum")


def _table(member: Json, path: str) -> Json:
    said = manager.get(member, path)
    if not isinstance(said, dict):
        raise CannotTell(f"{member['manager_url']}{path} answers, but not as Patroni does")
    return said


def around(host: str, port: int, login: str) -> tuple[str, list[Json], bool, list[str]]:
    """Identifier, members, False and warnings, as a server without a manager tells them.

    Standbys are looked for at the address they come from and the primary's port.
    """
    recovering, identifier, sender, sender_port = _who(host, port, login)
    if recovering == "t":
        if not sender or sender.startswith("/"):
            what = "is a standby, and does not say whom it follows"
            cure = "give the primary's address; the user needs pg_read_all_stats (pg_monitor)"
            raise BadInput(what, where=f"{host}:{port}", cure=cure)
        host, port = sender, int(sender_port or port)
        if _who(host, port, login)[:2] != ("f", identifier):
            what = "is not the primary of the standby that was asked"
            raise BadInput(what, where=f"{host}:{port}", cure="give the primary's address")
    alone = f"no Patroni at port 8008 of {host}, so nobody fails over; if one has another port, "
    found, warnings = [_unmanaged(host, port)], [f"{alone}begin again with its address"]
    for name, client in _rows(host, port, login, FOLLOWERS):
        try:
            if client and _who(client, port, login)[:2] == ("t", identifier):
                found.append(_unmanaged(client, port))
                continue
            why = "it does not answer as a standby of this system"
        except BadInput as problem:
            why = problem.message
        told = f"standby {name} at {client}:{port} is left out, add it by hand: {why}"
        warnings.append(told)
    return str(identifier), found, False, warnings


def _unmanaged(host: str, port: int) -> Json:
    return {"name": f"{host}:{port}", "address": host, "port": port, "manager_url": ""}


def _who(host: str, port: int, login: str) -> Row:
    return _rows(host, port, login, WHO)[0]


def _rows(host: str, port: int, login: str, query: str) -> list[Row]:
    configuration = {"system": {"operator": login}}
    member = {"name": f"{host}:{port}", "address": host, "port": port}
    try:
        with Session(configuration, member, WITHIN_S) as session:
            return session.rows(query)
    except CannotTell as problem:
        raise BadInput(
            str(problem),
            where="without Patroni the server is asked itself",
            cure='say who may ask: --admin "user=... dbname=...", its password in ~/.pgpass',
        ) from None
