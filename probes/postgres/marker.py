"""What the probes make on the system: a schema, the table of the client's writes, its removal."""

import re
from typing import Any

from firemarshal.probes.postgres.connect import Member, Rejected, Session
from firemarshal.probes.postgres.members import primary_of
from firemarshal.system import CannotTell, Configuration

DRILL = re.compile(r"[a-z0-9]{1,40}")
WITHIN_S = 5.0
NOT_EMPTY, NO_SCHEMA, NO_TABLE, NOT_ALLOWED = "2BP01", "3F000", "42P01", "42501"


def named(configuration: Configuration, what: str) -> str:
    """The name of a table of this drill; ValueError when the drill's id is no plain word."""
    drill = configuration["drill"]
    if not DRILL.fullmatch(drill):
        raise ValueError(f"the drill id {drill!r} must be small letters and digits")
    return f"firemarshal.{what}_{drill}"


def prepare(configuration: Configuration) -> dict[str, Any]:
    """Make the marker table as the client itself, so that no grant is needed. Safe to repeat."""
    primary, table = primary_of(configuration), named(configuration, "attempts")
    with Session(configuration, primary, WITHIN_S, "client") as session:
        session.rows("SET synchronous_commit = local")
        made_schema(session)
        session.rows(
            f"CREATE TABLE IF NOT EXISTS {table} (k bigint PRIMARY KEY, w integer NOT NULL)"
        )
    return {"made": [table]}


def made_schema(session: Session) -> None:
    """Make the schema unless it is there; CannotTell with the cure when the client may not."""
    if session.rows("SELECT 1 FROM pg_namespace WHERE nspname = 'firemarshal'"):
        return  # CREATE ... IF NOT EXISTS would ask for the right even so
    try:
        session.rows("CREATE SCHEMA IF NOT EXISTS firemarshal")
    except Rejected as error:
        if error.state != NOT_ALLOWED:
            raise
        user, database = session.rows("SELECT current_user, current_database()")[0]
        raise CannotTell(
            f"the marker schema cannot be made: {error}; cure: let your DBA run what "
            f"`firemarshal prepare` prints, so that {user} may write in database {database}"
        ) from error


def forget(configuration: Configuration) -> dict[str, Any]:
    """Remove the drill's tables, and the schema if nothing else is in it, and count the rows."""
    primary = primary_of(configuration)
    drop(configuration, primary, named(configuration, "canary"), WITHIN_S)
    rows = drop(configuration, primary, named(configuration, "attempts"), WITHIN_S)
    return {"removed_rows": rows}


def drop(configuration: Configuration, primary: Member, table: str, timeout_s: float) -> int:
    """Drop a table and perhaps the schema; the rows that it had, 0 when it was not there."""
    with Session(configuration, primary, timeout_s, "client") as session:
        session.rows("SET synchronous_commit = local")
        # A statement that hung in a drill may still hold the table.
        session.rows(f"SET lock_timeout = {round(timeout_s * 500)}")
        try:
            rows = int(session.rows(f"SELECT count(*) FROM {table}")[0][0] or 0)
            session.rows(f"DROP TABLE {table}")
        except Rejected as error:
            if error.state not in (NO_TABLE, NO_SCHEMA):
                raise
            rows = 0
        drop_schema(session)
    return rows


def drop_schema(session: Session) -> None:
    """Drop the schema unless something is in it, or it is somebody else's."""
    try:
        session.rows("DROP SCHEMA IF EXISTS firemarshal")
    except Rejected as error:
        if error.state not in (NOT_EMPTY, NOT_ALLOWED):  # somebody else's table, or schema
            raise
