"""Runs what `grants` says as the administrator, on the primary, all of it or nothing.

The probes' password never travels: the server gets only the SCRAM verifier that libpq makes of it.
"""

import os
from typing import Any

from psycopg import Error, pq, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from firemarshal.bad_input import BadInput
from firemarshal.probes.postgres.connect import Member, Rejected, Session, conninfo
from firemarshal.probes.postgres.grants import hints, wanted
from firemarshal.probes.postgres.members import primary_of
from firemarshal.probes.postgres.system import identify
from firemarshal.probes.postgres.users import names
from firemarshal.system import CannotTell, Configuration

__all__ = ["apply", "hints", "wanted"]
WITHIN_S = 15.0
Json = dict[str, Any]


def apply(configuration: Configuration, remove: bool, admin: str) -> list[str]:
    """Run them; returns what was done, and what is still open.

    Raises BadInput where the server is another one, cannot be asked or refuses; then nothing of
    it stands.
    """
    system = configuration["system"]
    where = f"system {system['name']!r}"
    as_admin = {**configuration, "system": {**system, "operator": _login(system, admin)}}
    try:
        _same(as_admin)
        primary = primary_of(as_admin)
        with Session(as_admin, primary, WITHIN_S) as session:
            return _run(session, system, configuration, primary, remove)
    except Rejected as problem:
        cure = "nothing was changed; run `firemarshal heal` first if it says that tables depend"
        raise BadInput(str(problem), where=where, cure=cure) from None
    except CannotTell as problem:
        cure = 'say who may: --admin "user=..."; its password in ~/.pgpass or PGPASSWORD'
        raise BadInput(str(problem), where=where, cure=cure) from None


def _login(system: Json, admin: str) -> str:
    """The administrator's connection string, with what the operator's says of TLS and passwords."""
    try:
        said = conninfo_to_dict(admin)
    except Error:
        cure = 'write it as "user=postgres"'
        raise BadInput("is no connection string", where="--admin", cure=cure) from None
    kept = {
        key: value
        for key, value in conninfo_to_dict(system["operator"]).items()
        if key in ("dbname", "passfile") or key.startswith("ssl")
    }
    database = names(system).database
    return make_conninfo("", **{**kept, **said, "dbname": database})


def _same(configuration: Configuration) -> None:
    answered, pinned = identify(configuration), configuration["system"].get("identity") or {}
    for key, value in pinned.items():
        if str(answered.get(key)) != value:
            what = f"{key} is {answered.get(key)!r}, the profile pins {value!r}"
            cure = "another system answers at these addresses; nothing was done"
            raise BadInput(what, where=f"system {configuration['system']['name']!r}", cure=cure)


def _run(
    session: Session, system: Json, configuration: Configuration, primary: Member, remove: bool
) -> list[str]:
    chosen = [
        one
        for one in wanted(system, remove)
        if not (one.unless and session.rows(one.unless))
        and not (one.only_if and not session.rows(one.only_if))
    ]
    session.rows("BEGIN")
    for statement in chosen:
        session.rows(statement.text)
    password = "" if remove else _password(configuration, primary)
    looks = names(system).looks
    new = any(one.text.startswith("CREATE ROLE") for one in chosen)
    if new and password:
        session.rows(f"ALTER ROLE {sql.Identifier(looks).as_string()} PASSWORD '{password}'")
    session.rows("COMMIT")
    done = [f"{one.text};" for one in chosen]
    if new:
        source = (
            "as its password file says"
            if password
            else "none yet; give it one with psql: \\password"
        )
        done.append(f"-- password of {looks}: {source}")
    return [*done, f"-- done on {primary['name']}, {len(chosen)} statements"]


def _password(configuration: Configuration, primary: Member) -> str:
    """The SCRAM verifier of what the operator's password file says, "" when it says nothing."""
    others = os.environ.pop("PGPASSWORD", None)  # it is the administrator's, not the operator's
    try:
        begun = pq.PGconn.connect_start(conninfo(configuration, primary, "operator").encode())
        said, user = begun.password, begun.user
        verifier = begun.encrypt_password(said, user, b"scram-sha-256") if said else b""
        begun.finish()
        return verifier.decode()
    finally:
        if others is not None:
            os.environ["PGPASSWORD"] = others
