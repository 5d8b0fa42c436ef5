"""The client of the toy: one TCP address, one line a write, one line an answer."""

import errno
import ipaddress
import os
import socket
from typing import Any

from firemarshal.ledger import Outcome, Refusal
from firemarshal.probes.recorder.client import Broken, Reply
from firemarshal.probes.recorder.watch import IN, OUT


class NullConnection:
    """One socket; keeps what was not yet taken by the kernel and what is half a line."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.ready = False
        self._out = b""
        self._in = b""
        self._expected = b""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self._socket.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            self._socket.close()
            raise _broken(code)

    def fileno(self) -> int:
        """The descriptor to watch."""
        return self._socket.fileno()

    def wants(self) -> int:
        """Writable while connecting or while something waits to be sent, else readable."""
        return IN if self.ready and not self._out else IN | OUT

    def step(self) -> Reply | None:
        """Finish connecting, send what waits, take an answer. Raises Broken."""
        if not self.ready:
            self._connected()
            return None
        self._flush()
        return self._receive()

    def send(self, key: int, value: int) -> None:
        """Send `W key value`. Raises Broken."""
        self._expected = b"ok %d" % key
        self._out += b"W %d %d\n" % (key, value)
        self._flush()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _connected(self) -> None:
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise _broken(code)
        if self._socket.getsockname() == self._socket.getpeername():
            # On loopback a socket can connect to itself when nobody listens on a port from which
            # the kernel also takes the ports of clients; that is nobody's answer.
            raise _broken(errno.ECONNREFUSED)
        self.ready = True

    def _flush(self) -> None:
        try:
            self._out = self._out[self._socket.send(self._out) :] if self._out else b""
        except BlockingIOError:
            return  # the kernel's buffer is full: `wants` asks for the moment it is not
        except OSError as error:
            raise _broken(error.errno or 0) from error

    def _receive(self) -> Reply | None:
        try:
            received = self._socket.recv(4096)
        except BlockingIOError:
            return None
        except OSError as error:
            raise _broken(error.errno or 0) from error
        if not received:
            raise Broken(Refusal.CLOSED, "the server closed the connection")
        line, found, self._in = (self._in + received).partition(b"\n")
        if not found:
            self._in = line
            return None
        if line == self._expected:
            return Reply(Outcome.OK)
        answer = line.decode(errors="replace")[:80]
        return Reply(Outcome.FAILED, Refusal.SERVER_ERROR, text=f"the server answered {answer!r}")


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


def _broken(code: int) -> Broken:
    refused = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)
    refusal = Refusal.REFUSED if code in refused else Refusal.CLOSED
    return Broken(refusal, os.strerror(code))
