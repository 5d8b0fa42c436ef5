"""The least that recorder and probes need in a database, as SQL that a DBA can read, and run.

The recorder writes as the application's own user, or it would not measure what clients live; the
probes look as another, who may see states and the marker rows, and no row of the application's.
"""

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from firemarshal.probes.postgres.users import names

OURS = sql.Literal("made by firemarshal prepare").as_string()
SCHEMA = "SELECT 1 FROM pg_namespace WHERE nspname = 'firemarshal'"
OUR_SCHEMA = f"{SCHEMA} AND obj_description(oid, 'pg_namespace') = {OURS}"
HINTS = (
    "pg_hba.conf must let both users in from the machine that drills; no SQL can say so.",
    "Only for drills that take a base backup, as it lets {looks} copy the whole cluster:",
    "  ALTER ROLE {looks} REPLICATION;  and `host replication {looks} ...` in pg_hba.conf",
)
Json = dict[str, Any]


@dataclass(frozen=True)
class Statement:
    """One statement and why; run where `unless` finds no row and `only_if`, if any, finds one.

    Both are asked before the first statement runs.
    """

    text: str
    why: str = ""
    unless: str = ""
    only_if: str = ""


def give(system: Json) -> list[Statement]:
    """What has to be there before a drill; safe to repeat."""
    own = names(system)
    database, writes, looks = own.quoted
    return [
        Statement(f"CREATE ROLE {looks} LOGIN CONNECTION LIMIT 10", "Who looks.", own.role),
        Statement(f"COMMENT ON ROLE {looks} IS {OURS}", "", own.role),
        Statement(f"GRANT CONNECT ON DATABASE {database} TO {looks}"),
        Statement(
            f"GRANT pg_read_all_stats TO {looks}",
            "It sees positions and followers, and no row of any table.",
        ),
        Statement("CREATE SCHEMA firemarshal", "Where a drill's marker rows are.", SCHEMA),
        Statement(f"COMMENT ON SCHEMA firemarshal IS {OURS}", "", SCHEMA),
        Statement(
            f"GRANT USAGE, CREATE ON SCHEMA firemarshal TO {writes}",
            "The application's user makes a table a drill, writes to it, and drops it.",
        ),
        Statement(
            f"GRANT USAGE ON SCHEMA firemarshal TO {looks}", "Those rows, and only those, it reads."
        ),
        Statement(
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {writes} IN SCHEMA firemarshal "
            f"GRANT SELECT ON TABLES TO {looks}"
        ),
    ]


def take(system: Json) -> list[Statement]:
    """What takes it away again; a role or a schema that others made stays."""
    own = names(system)
    database, writes, looks = own.quoted
    both = f"{SCHEMA} AND EXISTS ({own.role})"
    ours = f"{own.role} AND shobj_description(oid, 'pg_authid') = {OURS}"
    defaults = (
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {writes} IN SCHEMA firemarshal "
        f"REVOKE SELECT ON TABLES FROM {looks}"
    )
    return [
        Statement(defaults, only_if=both),
        Statement(f"REVOKE ALL ON SCHEMA firemarshal FROM {looks}", only_if=both),
        Statement(f"REVOKE ALL ON SCHEMA firemarshal FROM {writes}", only_if=OUR_SCHEMA),
        Statement(f"REVOKE CONNECT ON DATABASE {database} FROM {looks}", only_if=own.role),
        Statement(f"REVOKE pg_read_all_stats FROM {looks}", only_if=own.role),
        Statement(
            "DROP SCHEMA firemarshal", "Only if prepare made it, and it is empty.", "", OUR_SCHEMA
        ),
        Statement(f"DROP ROLE {looks}", "Only if prepare made it.", "", ours),
    ]


def wanted(system: Json, remove: bool) -> list[Statement]:
    """The statements, to be read."""
    return take(system) if remove else give(system)


def hints(system: Json) -> list[str]:
    """What no statement can do, and what only some drills need."""
    looks = names(system).quoted[2]
    password = f"A password for {looks}: psql asks for it and sends it hashed: \\password {looks}"
    return [password, *(one.format(looks=looks) for one in HINTS)]
