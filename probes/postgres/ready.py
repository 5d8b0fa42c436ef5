"""Whether a drill could begin now: logins, rights, identity and processes, looked at one by one."""

from collections.abc import Iterator
from typing import Any

from firemarshal.hosts import HostFailed, host
from firemarshal.probes.postgres import manager
from firemarshal.probes.postgres.connect import Member, Session
from firemarshal.probes.postgres.members import survey, table_of
from firemarshal.system import CannotTell, Configuration

WITHIN_S, LOOK_S = 3.0, 10.0
SEES = "SELECT pg_has_role('pg_read_all_stats', 'USAGE')"
MAY_WRITE = """
SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'firemarshal')
  THEN has_schema_privilege('firemarshal', 'USAGE')
    AND has_schema_privilege('firemarshal', 'CREATE')
  ELSE has_database_privilege(current_database(), 'CREATE') END
"""
FREE = """
SELECT current_setting('max_connections')::int
  - current_setting('superuser_reserved_connections')::int - count(*)
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""
MAY_SIGNAL = 'read -r pid <"$1/postmaster.pid" && kill -0 "$pid"'
Looked = tuple[str, str, str]


def ready(configuration: Configuration) -> Iterator[Looked]:
    """What was looked at, what was seen, and the cure, "" where all is well."""
    prepare = f"firemarshal prepare --target {configuration['target']}"
    found = survey(configuration)
    for one in found:
        cure = f"{prepare} makes the user; its password belongs into ~/.pgpass"
        away = one["role"] == "unreachable"
        seen = one["why"] if away else f"is {one['role']}, PostgreSQL {one['server_version']}"
        yield f"{one['name']} as operator", seen, cure if away else ""
    if not all(one["role"] == "unreachable" for one in found):
        yield _identity(configuration, found)
        yield from _rights(configuration, found, prepare)
    for member in configuration["system"]["members"]:
        yield _server(configuration["system"], member)


def _rights(
    configuration: Configuration, found: list[dict[str, Any]], prepare: str
) -> Iterator[Looked]:
    primaries = [one["name"] for one in found if one["role"] == "primary"]
    if len(primaries) != 1:
        yield "primary", f"{len(primaries)} members take writes", "repair the system first"
    else:
        primary = table_of(configuration, primaries[0])
        yield _right(configuration, primary, "operator", SEES, prepare)
        yield _right(configuration, primary, "client", MAY_WRITE, prepare)
        yield _places(configuration, primary)
        for why in manager.unready(configuration, primaries[0]):
            yield "Patroni", why, "correct manager_url and member names, see: patronictl list"


def _identity(configuration: Configuration, found: list[dict[str, Any]]) -> Looked:
    pinned = (configuration["system"].get("identity") or {}).get("system_identifier", "")
    answered = {one["system_identifier"] for one in found if one["role"] != "unreachable"}
    seen = ", ".join(sorted(answered)) or "nobody answers"
    if len(answered) == 1 and pinned in ("", *answered):
        return "identity", seen if pinned else f"{seen}, not pinned", ""
    cure = "find out which system this is; if it is yours, correct `identity`"
    return "identity", f"{seen}; the profile pins {pinned or 'nothing'}", cure


def _right(
    configuration: Configuration, primary: Member, who: str, query: str, prepare: str
) -> Looked:
    what = f"{who} on {primary['name']}"
    try:
        with Session(configuration, primary, WITHIN_S, who) as session:
            if session.rows(query) == [("t",)]:
                return what, "has the rights that drills need", ""
    except CannotTell as problem:
        return what, str(problem), "correct the connection string; its password goes to ~/.pgpass"
    lacks = "may not see pg_stat_replication" if who == "operator" else "may not make marker tables"
    return what, lacks, f"let your DBA run: {prepare}"


def _places(configuration: Configuration, primary: Member) -> Looked:
    """The recorder must never be what takes the application's last place."""
    what, most = f"places on {primary['name']}", configuration["system"]["recorder"]["connections"]
    try:
        with Session(configuration, primary, WITHIN_S) as session:
            free = int(session.rows(FREE)[0][0] or 0)
    except CannotTell as problem:
        return what, str(problem), "correct the connection string"
    seen = f"{free} are free, the recorder takes {most} at most"
    return what, seen, "" if most < free else "lower recorder.connections in the profile"


def _server(system: dict[str, Any], member: Member) -> Looked:
    what = f"processes of {member['name']}"
    road = next(one for one in system["hosts"] if one["name"] == member["host"])
    words = ["sh", "-c", MAY_SIGNAL, "signal", member["data_directory"]]
    try:
        answer = host(road).run(words, LOOK_S)
    except HostFailed as problem:
        return what, str(problem), "drills signal processes there"
    if answer.code == 0:
        return what, f"can be signalled by way of {road['via']}", ""
    cure = "correct data_directory and host; the user must run PostgreSQL, or be root"
    return what, f"cannot be found or signalled: {' '.join(answer.err.split())}", cure
