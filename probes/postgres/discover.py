"""A system's table for a target profile, found by asking people little and the system much."""

from typing import Any

from psycopg import Error
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from firemarshal.bad_input import BadInput
from firemarshal.init import Ask, Discovery
from firemarshal.probes.postgres import machines, topology

FEATURE = """\
@postgres @plan:{clause}
Feature: The primary of {system} crashes
  The plan promises how soon writes return, and how much may be lost.

  Scenario: The primary is killed without warning
    Given "{system}" is healthy
    And clients write steadily
    When the primary of "{system}" is killed
    Then writes return as the plan promises
    And no more is lost than the plan allows
"""
COMMENTS = {
    "manager": '"none" where nobody restarts or fails over',
    "synchronous": "true where no acknowledged write may be lost",
    "client": "the application's own connection string, as it stands in production",
    "operator": "how the probes look; `firemarshal prepare` makes this user",
    "identity": "what the database must answer, or nothing is harmed",
    "hosts": "The machines: faults signal processes there and read the data folders.",
    "members": "The servers: one that is not named here is neither harmed nor looked at.",
}
ASKED = {
    "address": "Address of any member (HOST, HOST:PORT, or the URL of its Patroni)",
    "client": 'The application\'s connection string, without password ("dbname=... user=...")',
    "operator": "The user that the probes log in as, without password",
    "admin": 'Who may ask the server itself, without password ("user=... dbname=...")',
}


def discover(ask: Ask) -> Discovery:
    """Ask and look; contacts managers and machines, changes nothing. Raises BadInput."""
    address = ask("address", ASKED["address"])
    found = topology.at(address, lambda: _plain("admin", ask("admin", ASKED["admin"])))
    client = _client(_plain("client", ask("client", ASKED["client"])), found.members)
    operator = _plain("operator", ask("operator", ASKED["operator"], _operator(client)))
    hosts = machines.roads(ask, list(dict.fromkeys(one["address"] for one in found.members)))
    by_name = {one["name"]: one for one in hosts}
    members = [
        {
            "name": one["name"],
            "host": one["address"],
            **{key: one[key] for key in ("address", "port")},
            "data_directory": machines.data_directory(one, by_name[one["address"]]),
            "manager_url": one["manager_url"],
        }
        for one in found.members
    ]
    table = {
        "manager": found.manager,
        "synchronous": found.synchronous,
        "client": client,
        "operator": operator,
        "identity": {"system_identifier": found.identifier},
        "hosts": hosts,
        "members": members,
    }
    return Discovery(table, found.scope, FEATURE, COMMENTS, found.warnings)


def _plain(key: str, said: str) -> str:
    """A connection string without password; the text is not repeated, as it may hold one."""
    try:
        parts = conninfo_to_dict(said)
    except Error:
        cure = 'write it as "dbname=... user=..."'
        raise BadInput("is no connection string", where=f"--{key}", cure=cure) from None
    if any(word in name for name in parts for word in ("password", "secret", "scram")):
        cure = "put it into ~/.pgpass (HOST:PORT:DATABASE:USER:PASSWORD, mode 600)"
        raise BadInput("holds a password, which would be committed", where=f"--{key}", cure=cure)
    return make_conninfo("", **parts)


def _client(said: str, members: list[dict[str, Any]]) -> str:
    parts: dict[str, Any] = dict(conninfo_to_dict(said))
    if missing := [key for key in ("dbname", "user") if not parts.get(key)]:
        cure = 'as in --client "dbname=orders user=orders_app"'
        raise BadInput(f"names no {missing[0]}", where="--client", cure=cure)
    if not parts.get("host") and not parts.get("hostaddr"):
        parts["host"] = ",".join(one["address"] for one in members)
        parts["port"] = ",".join(str(one["port"]) for one in members)
        parts.setdefault("target_session_attrs", "read-write")
    return make_conninfo("", **parts)


def _operator(client: str) -> str:
    kept = {
        key: value
        for key, value in conninfo_to_dict(client).items()
        if key == "dbname" or key == "passfile" or key.startswith("ssl")
    }
    return make_conninfo("", **{**kept, "user": "firemarshal"})
