"""The client of PostgreSQL: the hosts of the application's own connection string, one at a time.

They are split here and never given to libpq together, because it gives each at least 2 s.
"""

import re
from typing import Any

from psycopg import Error
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from firemarshal.probes.recorder.addresses import addresses, place
from firemarshal.probes.recorder.libpq import PostgresConnection

TABLE = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")


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
        self._insert = f"INSERT INTO {table} (k, w) VALUES ($1, $2)".encode()
        self._conninfos = [
            make_conninfo("", **place(host, numeric, port), **rest).encode()
            for host, numeric, port in found
        ]

    def connect(self, endpoint: int) -> PostgresConnection:
        """Begin a connection to one address. Raises Broken."""
        return PostgresConnection(self._conninfos[endpoint], self._insert, self._writable)


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
