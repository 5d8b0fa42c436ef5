"""Who drills this system, written in the system itself: one row, seen from every machine.

It stands on the standby too, so that it is read while the primary is dead, and it is the lock
between machines: of two that insert at once, one finds the other's row.
"""

from typing import Any

from firemarshal.probes.postgres.connect import Rejected, Session
from firemarshal.probes.postgres.marker import DRILL, NO_SCHEMA, NO_TABLE, drop_schema, made_schema
from firemarshal.probes.postgres.members import primary_of
from firemarshal.system import CannotTell, Configuration

WITHIN_S = 5.0
TABLE = "firemarshal.tombstone"
NOT_THERE = (NO_TABLE, NO_SCHEMA)
ONE_AT_A_TIME = "SELECT pg_advisory_lock(7246011873)"  # IF NOT EXISTS looks first, and two may make
CREATE = f"""CREATE TABLE IF NOT EXISTS {TABLE}
  (only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), drill text NOT NULL, told text)"""
WRITE = f"""INSERT INTO {TABLE} (drill, told) VALUES ($1, $2)
  ON CONFLICT (only_one) DO UPDATE SET told = excluded.told
  WHERE {TABLE.split(".")[1]}.drill = excluded.drill"""


def claim(configuration: Configuration, told: str) -> dict[str, Any]:
    """Write who drills, unless somebody else does; `{drill, told}` of who stands there now."""
    with Session(configuration, primary_of(configuration), WITHIN_S, "client") as session:
        session.rows(ONE_AT_A_TIME)
        session.rows("SET synchronous_commit = local")
        made_schema(session)
        session.rows(CREATE)
        session.rows(WRITE, _drill(configuration), told)
        return _standing(session)


def claimed(configuration: Configuration) -> dict[str, Any]:
    """Who stands there, `{}` for nobody: of all members that answer, as one may lag behind."""
    seen, answered = [], False
    for member in configuration["system"]["members"]:
        try:
            with Session(configuration, member, WITHIN_S, "client") as session:
                if standing := _standing(session):
                    return standing
            answered = True
        except Rejected as error:
            answered = answered or error.state in NOT_THERE
            seen.append(str(error))
        except CannotTell as error:
            seen.append(str(error))
    if not answered:
        raise CannotTell("; ".join(seen))
    return {}


def release(configuration: Configuration) -> dict[str, Any]:
    """Remove this drill's row and, if nobody else came, the table; safe when it never was there."""
    with Session(configuration, primary_of(configuration), WITHIN_S, "client") as session:
        session.rows(ONE_AT_A_TIME)
        session.rows("SET synchronous_commit = local")
        session.rows(f"SET lock_timeout = {round(WITHIN_S * 500)}")
        try:
            session.rows("BEGIN")
            session.rows(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
            session.rows(f"DELETE FROM {TABLE} WHERE drill = $1", _drill(configuration))
            if not session.rows(f"SELECT 1 FROM {TABLE}"):
                session.rows(f"DROP TABLE {TABLE}")
            session.rows("COMMIT")
        except Rejected as error:
            session.rows("ROLLBACK")
            if error.state not in NOT_THERE:
                raise
        drop_schema(session)
    return {"released": configuration["drill"]}


def _standing(session: Session) -> dict[str, Any]:
    rows = session.rows(f"SELECT drill, told FROM {TABLE}")
    return {"drill": rows[0][0], "told": rows[0][1]} if rows else {}


def _drill(configuration: Configuration) -> str:
    drill: str = configuration["drill"]
    if not DRILL.fullmatch(drill):
        raise ValueError(f"the drill id {drill!r} must be small letters and digits")
    return drill
