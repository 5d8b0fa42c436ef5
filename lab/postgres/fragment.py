"""The fragment "postgres": a Patroni pair of PostgreSQL 18, one etcd, and the links between them.

Processes: etcd, proxy, one Patroni a member, and the servers that Patroni starts. Cold start
takes 4 to 6 s, most of it Patroni's own loop of 1 s.
"""

import os
import shutil
import socket
from pathlib import Path
from typing import Any

from psycopg import sql
from psycopg.conninfo import make_conninfo

from firemarshal.lab.postgres import binaries, clocks, remains, steady, unprivileged
from firemarshal.lab.postgres.layout import Layout
from firemarshal.lab.problem import LabProblem
from firemarshal.lab.starter import Starter

KIND = "postgres"
OPTIONS: dict[str, type] = {"synchronous": bool, "clocks": bool}
NEEDED_BYTES = 600_000_000
SETTLE_S = 30.0
STEP_S = 30.0
STEADY_S = 45.0
GRANTS = ("pg_monitor", "pg_read_all_data", "pg_checkpoint")

before_end = remains.stop_servers
after_end = remains.free_memory


def lacking(system: dict[str, Any]) -> str:
    """Why no clock of a pair that asks for it can be moved here, "" when it can."""
    why = clocks.lacking() if system.get("options", {}).get("clocks") else ""
    return f"{why}; cure: {clocks.CURE}" if why else ""


def bring_up(system: dict[str, Any], starter: Starter) -> dict[str, Any]:
    """Start the pair, make users and database, and prove by a canary that the standby follows."""
    found = binaries.find()
    _check_space(starter.folder)
    layout = Layout(system, starter)
    if layout.clocks and (why := clocks.lacking()):
        raise LabProblem("make members whose clock can be moved", why, clocks.CURE)
    prefix = unprivileged.prefix(starter.folder, str(found.postgres / "postgres"), found.patroni[0])
    _write_files(layout, starter, found, hand_over=prefix == unprivileged.AS_NOBODY)
    starter.start("etcd", layout.etcd_command(found), prefix)
    proxy = starter.python("firemarshal.lab.proxy", str(starter.folder / "proxy.json"))
    starter.start("proxy", proxy, prefix)
    starter.wait(
        "wait for etcd and the proxy to listen",
        lambda: _not_listening(layout.etcd_port, layout.control_port),
        "etcd",
        STEP_S,
    )
    for path in clocks.share(starter.folder) if layout.clocks else ():
        if prefix == unprivileged.AS_NOBODY:
            os.chown(path, unprivileged.NOBODY, unprivileged.NOBODY)
    for node in layout.nodes:
        command = [*found.patroni, str(starter.folder / f"{node.name}.json")]
        clock = clocks.preloaded(starter.folder, node.name) if layout.clocks else ()
        starter.start(f"patroni-{node.name}", command, (*prefix, *clock))
    table = _table(layout, found)
    first = _wait_for_primary(table["members"], starter)
    with steady.connect(first, starter.folder) as connection:
        _make_users(connection, layout)
        query = "select system_identifier from pg_control_system()"
        table["identity"] = {"system_identifier": str(connection.execute(query).fetchone()[0])}
    starter.wait(
        "wait until a row written on the primary is seen on the standby",
        lambda: steady.unready(table, starter.folder),
        f"patroni-{layout.nodes[1].name}",
        STEADY_S,
    )
    return table


def unready(table: dict[str, Any], folder: Path) -> str:
    """Why the pair is not in its steady state, "" when the canary was seen everywhere."""
    return steady.unready(table, folder)


def connect(table: dict[str, Any]) -> str:
    """The line to copy that opens psql on the primary as the application."""
    found = binaries.find()
    return f'{found.postgres / "psql"} "{table["client"]}"'


def _check_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise LabProblem(
            f"make a PostgreSQL pair in {folder}",
            f"its disk has {free // 1_000_000} MB left, {NEEDED_BYTES // 1_000_000} are needed",
            "free space there, or name a folder on another disk",
        )


def _write_files(
    layout: Layout, starter: Starter, found: binaries.Binaries, hand_over: bool
) -> None:
    """All files before any process; `hand_over` gives to nobody what nobody must read."""
    starter.write("secrets/client.pgpass", layout.passfile("app", "operator"))
    starter.write("secrets/superuser.pgpass", layout.passfile("postgres"))
    files = [starter.write("proxy.json", layout.proxy_file()), starter.folder / "secrets"]
    for node in layout.nodes:
        text = layout.patroni_file(node, found)
        files.append(starter.write(f"{node.name}.json", text))
    for path in files if hand_over else []:
        os.chown(path, unprivileged.NOBODY, unprivileged.NOBODY)


def _not_listening(*ports: int) -> str:
    for port in ports:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError as error:
            return f"nobody listened on port {port}: {error}"
    return ""


def _wait_for_primary(members: list[dict[str, Any]], starter: Starter) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def missing() -> str:
        one = steady.primary(members, starter.folder)
        found.extend([one] if one else [])
        return "" if one else "no member took writes"

    name = f"patroni-{members[0]['name']}"
    starter.wait("wait for Patroni to make a primary", missing, name, STEP_S)
    return found[0]


def _make_users(connection: Any, layout: Layout) -> None:
    """The application owns its database and no more; the operator may look at and copy all."""
    for user in ("app", "operator"):
        connection.execute(
            sql.SQL("create role {} login password {}").format(
                sql.Identifier(user), sql.Literal(layout.passwords[user])
            )
        )
    connection.execute(f"grant {', '.join(GRANTS)} to operator")
    connection.execute("alter role operator replication")  # for base backups
    database = sql.Identifier(layout.system)
    connection.execute(sql.SQL("create database {} owner app").format(database))


def _table(layout: Layout, found: binaries.Binaries) -> dict[str, Any]:
    """The system's table of the profile, but for the identity, which only the server knows."""
    passfile = str(layout.folder / "secrets" / "client.pgpass")
    common = {"dbname": layout.system, "passfile": passfile, "sslmode": "disable"}
    return {
        "client": make_conninfo(
            host=",".join("127.0.0.1" for _ in layout.nodes),
            port=",".join(str(node.port) for node in layout.nodes),
            user="app",
            target_session_attrs="read-write",
            **common,
        ),
        "operator": make_conninfo(user="operator", **common),
        "members": [
            {
                "name": node.name,
                "host": "local",
                "address": "127.0.0.1",
                "port": node.port,
                "data_directory": str(layout.folder / node.name),
                "manager_url": f"http://127.0.0.1:{node.rest_port}",
                "clock": str(clocks.file_of(layout.folder, node.name)) if layout.clocks else "",
            }
            for node in layout.nodes
        ],
        "links": layout.links(),
        "manager": "patroni",
        "synchronous": layout.synchronous,
    }
