"""The client of the toy: one TCP address, one line a write, one line an answer."""

import ipaddress
from typing import Any

from firemarshal.ledger import Outcome, Refusal
from firemarshal.probes.recorder.client import Reply
from firemarshal.probes.recorder.tcp import TcpConnection


class NullConnection(TcpConnection):
    """Knows which answer it waits for: the key that was sent."""

    expected = b""

    def request(self, key: int, value: int) -> bytes:
        """`W key value`."""
        self.expected = b"ok %d" % key
        return b"W %d %d\n" % (key, value)

    def answer(self, received: bytes) -> tuple[Reply, bytes] | None:
        """One line."""
        line, found, rest = received.partition(b"\n")
        if not found:
            return None
        if line == self.expected:
            return Reply(Outcome.OK), rest
        text = f"the server answered {line.decode(errors='replace')[:80]!r}"
        return Reply(Outcome.FAILED, Refusal.SERVER_ERROR, text=text), rest


class NullClient:
    """The one address of a toy."""

    def __init__(self, address: str, port: int) -> None:
        self._address = (address, port)
        self.endpoints = [f"{address}:{port}"]

    def connect(self, endpoint: int) -> NullConnection:
        """Begin a connection. Raises Broken."""
        return NullConnection(self._address)


def open_client(endpoint: dict[str, Any]) -> NullClient:
    """A client from `{"address": "127.0.0.1", "port": N}`; ValueError when it is not that."""
    address, port = endpoint.get("address"), endpoint.get("port")
    if not isinstance(address, str) or not isinstance(port, int):
        raise ValueError('it must be {"address": "127.0.0.1", "port": N}')
    ipaddress.IPv4Address(address)
    return NullClient(address, port)
