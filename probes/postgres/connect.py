"""Connections of the probes: everything over one has one deadline, and then its socket is shut.

Not psycopg's own connection: that gives a host at least 2 s, and waits 10 s for a cancellation
that a frozen server never answers.
"""

import ipaddress
import select
from contextlib import suppress
from typing import Any, Self

from psycopg import Error, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from firemarshal.clock import now_us
from firemarshal.system import CannotTell, Configuration

Row = tuple[str | None, ...]
Member = dict[str, Any]
OWN = ("host", "hostaddr", "port", "target_session_attrs", "load_balance_hosts", "connect_timeout")


class Rejected(CannotTell):
    """The server answered with an error; `state` is its SQLSTATE."""

    def __init__(self, text: str, state: str) -> None:
        super().__init__(text)
        self.state = state


def conninfo(configuration: Configuration, member: Member, who: str) -> str:
    """How `who`, the "operator" or the "client", reaches one member and no other."""
    parts: dict[str, Any] = dict(conninfo_to_dict(configuration["system"][who]))
    for key in OWN:
        parts.pop(key, None)
    with suppress(ValueError):  # a name: libpq resolves it
        parts["hostaddr"] = str(ipaddress.ip_address(member["address"]))
    parts |= {"host": member["address"], "port": str(member["port"])}
    return make_conninfo("", **{"application_name": "firemarshal", **parts})


class Session:
    """One connection to one member. Raises CannotTell when it has no answer in time."""

    def __init__(
        self, configuration: Configuration, member: Member, timeout_s: float, who: str = "operator"
    ) -> None:
        self._name = member["name"]
        self._timeout_s = timeout_s
        self._deadline_us = now_us() + round(timeout_s * 1_000_000)
        self._pg = pq.PGconn.connect_start(conninfo(configuration, member, who).encode())
        try:
            self._connect()
        except BaseException:
            self._pg.finish()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pg.finish()

    def rows(self, query: str, *parameters: object) -> list[Row]:
        """Run one statement; every value as text. Raises Rejected, CannotTell."""
        texts = [None if one is None else str(one).encode() for one in parameters]
        try:
            self._pg.send_query_params(query.encode(), texts)
            while self._pg.flush():
                self._wait(select.POLLIN | select.POLLOUT)
                self._pg.consume_input()
            last = self._last_result()
        except Error as error:
            raise self._cannot_tell(self._pg.get_error_message()) from error
        if last.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            state = (last.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
            text = f"{self._name} refused: {' '.join(last.get_error_message().split())}"
            raise Rejected(text, state)
        return [
            tuple(_text(last.get_value(row, column)) for column in range(last.nfields))
            for row in range(last.ntuples)
        ]

    def _connect(self) -> None:
        state = pq.PollingStatus.WRITING
        while state != pq.PollingStatus.OK:
            if self._pg.status == pq.ConnStatus.BAD or state == pq.PollingStatus.FAILED:
                raise self._cannot_tell(self._pg.get_error_message())
            writing = state == pq.PollingStatus.WRITING
            self._wait(select.POLLOUT if writing else select.POLLIN)
            state = pq.PollingStatus(self._pg.connect_poll())
        self._pg.nonblocking = 1

    def _last_result(self) -> "pq.abc.PGresult":
        last = None
        while True:
            while self._pg.is_busy():
                self._wait(select.POLLIN)
                self._pg.consume_input()
            result = self._pg.get_result()
            if result is None and last is not None:
                return last
            last = result or last

    def _wait(self, events: int) -> None:
        poll = select.poll()
        poll.register(self._pg.socket, events)
        left_us = self._deadline_us - now_us()
        if left_us <= 0 or not poll.poll(left_us / 1000):
            raise self._cannot_tell(f"no answer within {self._timeout_s:g} s")

    def _cannot_tell(self, seen: str) -> CannotTell:
        return CannotTell(f"{self._name} cannot be asked: {' '.join(seen.split())}")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
