"""Start, find and end a process that holds something in PostgreSQL for as long as a fault stands.

A verb's own child is gone when the verb has ended, so it cannot hold a lock. The token is the
holder's word in the process table and its connections' application_name on the server.
"""

import sys
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from firemarshal.actions.postgres.members import lone_primary
from firemarshal.fault import NotDone, VictimChanged
from firemarshal.hosts import LocalHost
from firemarshal.processes import Process

ANSWER_WITHIN_S = 5
AT_MOST_S = 900
MODULE = "firemarshal.actions.postgres.holder"
HERE = LocalHost("here")
Json = dict[str, Any]


def begin(token: str, conninfo: str, *what: str) -> None:
    """Start the holder in a session of its own, unless one of this token runs."""
    if not holders(token):
        words = [sys.executable, "-m", MODULE, token, conninfo, str(AT_MOST_S), *what]
        HERE.spawn(words, {}, "/dev/null")


def holders(token: str) -> list[Process]:
    """The holders of this token that live."""
    return [
        one
        for one in HERE.processes()
        if one.state not in "ZX" and MODULE in one.arguments and token in one.arguments
    ]


def end(token: str) -> list[str]:
    """Kill them; whatever still lives, in words. Their connections end with them."""
    for one in holders(token):
        HERE.signal(one.pid, one.start, "SIGKILL")
    return [f"holder {one.pid} still lives" for one in holders(token)]


def by_hand(token: str) -> str:
    """The same as a shell line, which does not find itself."""
    return f"pkill -KILL -f '[{token[0]}]{token[1:]}'"


def connected(conninfo: str, token: str) -> Any:
    """A connection under this name; NotDone when there is none to be had in time."""
    try:
        return psycopg.connect(
            conninfo, application_name=token, connect_timeout=ANSWER_WITHIN_S, autocommit=True
        )
    except psycopg.Error as problem:
        raise NotDone(f"could not connect as {token}: {problem}") from None


def if_it_leads(victim: Json, configuration: Json, who: str = "client") -> str:
    """How the user reaches the victim while it is the primary, "" when it is not."""
    for member, _, _ in lone_primary(configuration["system"]):
        if member["name"] == victim["name"]:
            return conninfo_of(member, configuration, who)
    return ""


def primary_conninfo(victim: Json, configuration: Json, who: str = "client") -> str:
    """The same; VictimChanged when it does not lead."""
    if found := if_it_leads(victim, configuration, who):
        return found
    leads = f"{victim['name']} does not lead {configuration['system']['name']}"
    raise VictimChanged(f"{victim['id']}: {leads}")


def conninfo_of(member: Json, configuration: Json, who: str = "client") -> str:
    """The profile's own connection string, to one member and no other."""
    where = {"host": member["address"], "port": member["port"]}
    return make_conninfo(configuration["system"][who], **where)


def ask(conninfo: str, query: str, *values: Any) -> list[Any]:
    """The rows that the primary answers; NotDone when it does not."""
    try:
        with connected(conninfo, "firemarshal") as connection:
            return list(connection.execute(query, values).fetchall())
    except psycopg.Error as problem:
        raise NotDone(f"the primary did not answer: {problem}") from None
