"""The client of PostgreSQL: the hosts of the application's own connection string, one at a time.

They are split here and never given to libpq together, because it gives each at least 2 s.
"""

import re
from typing import Any

from psycopg import Error
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from firemarshal.probes.recorder.addresses import addresses, place
from firemarshal.probes.recorder.writer import PostgresConnection

TABLE = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")
MOST_PARKED = 2


class PostgresClient:
    """The addresses of one connection string, each with the rest of it."""

    def __init__(self, conninfo: str, table: str) -> None:
        parts = conninfo_to_dict(conninfo)
        wanted = str(parts.pop("target_session_attrs", "any"))
        self._writable = wanted in ("read-write", "primary")
        for own in ("connect_timeout", "load_balance_hosts"):
            parts.pop(own, None)  # this client's own business
        found = addresses(parts)
        self.endpoints = [f"{host}:{port}" for host, _, port in found]
        rest: dict[str, Any] = {"fallback_application_name": "firemarshal", **parts}
        self._parked: list[list[PostgresConnection]] = [[] for _ in found]
        self._insert = f"INSERT INTO {table} (k, w) VALUES ($1, $2)".encode()
        self._conninfos = [
            make_conninfo("", **place(host, numeric, port), **rest).encode()
            for host, numeric, port in found
        ]

    def connect(self, endpoint: int) -> PostgresConnection:
        """Begin a connection to one address, or wake one that is parked there. Raises Broken."""
        parked = self._parked[endpoint]
        while parked:
            connection = parked.pop()
            if connection.revive():
                return connection

        def park(connection: PostgresConnection) -> bool:
            if len(parked) == MOST_PARKED:
                return False
            parked.append(connection)
            return True

        conninfo = self._conninfos[endpoint]
        return PostgresConnection(conninfo, self._insert, self._writable, park)


def open_client(endpoint: dict[str, Any]) -> PostgresClient:
    """A client from `{"conninfo", "table"}`; ValueError when it is not that."""
    conninfo, table = endpoint.get("conninfo"), endpoint.get("table")
    if not isinstance(conninfo, str) or not isinstance(table, str):
        raise ValueError('it must be {"conninfo": "...", "table": "schema.name"}')
    if not TABLE.fullmatch(table):
        raise ValueError(f"table = {table!r} is no plain schema.name")
    try:
        return PostgresClient(conninfo, table)
    except Error as error:
        # libpq's text is left out: it quotes the string, perhaps in the middle of a password
        raise ValueError("its conninfo is no connection string that libpq knows") from error
