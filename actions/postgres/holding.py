"""A process of its own that holds something in PostgreSQL until it is ended, or its time is over.

    python -m firemarshal.actions.postgres.holding TOKEN CONNINFO SECONDS lock TABLE
    python -m firemarshal.actions.postgres.holding TOKEN CONNINFO SECONDS places COUNT

A verb's own child is gone when the verb has ended, so it cannot hold a lock. TOKEN is the
connections' application_name: by it server and process table know who holds.
"""

import sys
import time
from contextlib import ExitStack
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from firemarshal.actions.postgres.members import lone_primary
from firemarshal.clock import now_us
from firemarshal.fault import NotDone, VictimChanged
from firemarshal.hosts import LocalHost
from firemarshal.processes import Process

ANSWER_WITHIN_S = 5
AT_MOST_S, KNOCK_EVERY_S = 900, 0.05
MODULE = "firemarshal.actions.postgres.holding"
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


def primary_conninfo(victim: Json, configuration: Json) -> str:
    """How the application's user reaches the victim; VictimChanged when it does not lead."""
    for member, _, _ in lone_primary(configuration["system"]):
        if member["name"] == victim["name"]:
            return conninfo_of(member, configuration)
    raise VictimChanged(
        f"{victim['id']}: {victim['name']} does not lead {configuration['system']['name']}"
    )


def conninfo_of(member: Json, configuration: Json) -> str:
    """The application's own connection string, to one member and no other."""
    where = {"host": member["address"], "port": member["port"]}
    return make_conninfo(configuration["system"]["client"], **where)


def ask(conninfo: str, query: str, *values: Any) -> list[Any]:
    """The rows that the primary answers; NotDone when it does not."""
    try:
        with connected(conninfo, "firemarshal") as connection:
            return list(connection.execute(query, values).fetchall())
    except psycopg.Error as problem:
        raise NotDone(f"the primary did not answer: {problem}") from None


def _lock(conninfo: str, token: str, table: str, until_us: int) -> None:
    with connected(conninfo, token) as connection, connection.transaction():
        connection.execute(f"set local lock_timeout = '{ANSWER_WITHIN_S}s'")
        name = sql.Identifier(*table.split("."))
        connection.execute(sql.SQL("lock table {} in access exclusive mode").format(name))
        time.sleep(max(0, until_us - now_us()) / 1e6)


def _places(conninfo: str, token: str, count: str, until_us: int) -> None:
    with ExitStack() as held:
        taken = 0
        while now_us() < until_us:
            try:
                while taken < int(count):
                    held.enter_context(connected(conninfo, token))
                    taken += 1
            except NotDone:
                pass  # full: knock again, for whoever leaves gives up a place
            time.sleep(KNOCK_EVERY_S)


if __name__ == "__main__":
    own, where, seconds, how, of = sys.argv[1:]
    {"lock": _lock, "places": _places}[how](
        where, own, of, now_us() + round(float(seconds) * 1_000_000)
    )
