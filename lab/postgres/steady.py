"""The steady state of a pair, proved by a canary: a row that every standby must show.

`streaming` in PostgreSQL's own views is no proof: it shows while nothing has been received yet.
"""

import http.client
import json
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

SHOWN_WITHIN_S = 1.0
ANSWER_WITHIN_S = 2


def connect(member: dict[str, Any], folder: Path, database: str = "postgres") -> Any:
    """A superuser's connection to one member, past the proxy and any PG* variable."""
    return psycopg.connect(
        make_conninfo(
            host=member["address"],
            port=member["port"],
            user="postgres",
            dbname=database,
            passfile=str(folder / "secrets" / "superuser.pgpass"),
            sslmode="disable",
            target_session_attrs="any",
            connect_timeout=ANSWER_WITHIN_S,
            options=f"-c statement_timeout={ANSWER_WITHIN_S}s",
        ),
        autocommit=True,
    )


def primary(members: list[dict[str, Any]], folder: Path) -> dict[str, Any] | None:
    """The only member that takes writes, None while there is none, or two."""
    found = []
    for member in members:
        try:
            with connect(member, folder) as connection:
                if not connection.execute("select pg_is_in_recovery()").fetchone()[0]:
                    found.append(member)
        except psycopg.OperationalError:
            continue
    return found[0] if len(found) == 1 else None


def unready(table: dict[str, Any], folder: Path) -> str:
    """Why the pair is not in its steady state now, "" when the canary was seen everywhere."""
    members = table["members"]
    first = primary(members, folder)
    if first is None:
        return "there was no single member that takes writes"
    if why := _managers_unready(table, first["name"]):
        return why
    try:
        return _canary(table, first, folder)
    except psycopg.Error as error:
        return f"the canary could not be written on or read from a member: {error}".strip()


def _canary(table: dict[str, Any], first: dict[str, Any], folder: Path) -> str:
    token = str(uuid.uuid4())
    with connect(first, folder) as connection:
        connection.execute("create table if not exists firemarshal_canary (token text)")
        connection.execute("delete from firemarshal_canary")
        connection.execute("insert into firemarshal_canary values (%s)", [token])
    wanted = len(table["members"]) - 1
    shown = [
        one["name"] for one in table["members"] if one is not first and _shows(one, token, folder)
    ]
    if len(shown) < wanted:
        return f"a row written on {first['name']} is shown by {len(shown)} of {wanted} standbys"
    return ""


def _shows(member: dict[str, Any], token: str, folder: Path) -> bool:
    end = time.monotonic() + SHOWN_WITHIN_S
    with connect(member, folder) as connection:
        if connection.execute("select to_regclass('firemarshal_canary')").fetchone()[0] is None:
            return False
        while time.monotonic() < end:
            query = "select count(*) from firemarshal_canary where token = %s"
            if connection.execute(query, [token]).fetchone()[0]:
                return True
            time.sleep(0.005)
    return False


def _managers_unready(table: dict[str, Any], first: str) -> str:
    """What the managers do not agree on yet, "" when all see the same leader and its followers.

    A standby that PostgreSQL calls synchronous may not be promoted before Patroni calls it so too.
    """
    follower = "sync_standby" if table["synchronous"] else "replica"
    wanted = {one["name"]: (follower, "streaming") for one in table["members"]}
    wanted[first] = ("leader", "running")
    for member in table["members"]:
        where = member["manager_url"].removeprefix("http://")
        connection = http.client.HTTPConnection(where, timeout=ANSWER_WITHIN_S)
        try:
            connection.request("GET", "/cluster")
            seen = json.loads(connection.getresponse().read())["members"]
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"the manager of {member['name']} does not answer: {error}"
        finally:
            connection.close()
        states = {one["name"]: (one["role"], one["state"]) for one in seen}
        if states != wanted:
            return f"the manager of {member['name']} sees {states}"
    return ""
