"""A connection over TCP that never blocks: what most kinds' clients share."""

import errno
import os
import socket
from abc import ABC, abstractmethod

from firemarshal.ledger import Refusal
from firemarshal.probes.recorder.client import Broken, Reply
from firemarshal.probes.recorder.watch import IN, OUT

AT_ONCE = 65536


class TcpConnection(ABC):
    """One socket; keeps what the kernel has not taken yet and what is half an answer.

    A kind says what it sends (`request`) and what it hears (`answer`), nothing else.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self.ready = False
        self._out = b""
        self._in = b""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self._socket.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            self._socket.close()
            raise _broken(code)

    @abstractmethod
    def request(self, key: int, value: int) -> bytes:
        """The bytes of one write."""

    @abstractmethod
    def answer(self, received: bytes) -> tuple[Reply, bytes] | None:
        """The reply and the bytes behind it; None while it is not whole. May raise Broken."""

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
        """Send one write. Raises Broken."""
        self._out += self.request(key, value)
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
            received = self._socket.recv(AT_ONCE)
        except BlockingIOError:
            return None
        except OSError as error:
            raise _broken(error.errno or 0) from error
        if not received:
            raise Broken(Refusal.CLOSED, "the server closed the connection")
        self._in += received
        found = self.answer(self._in)
        if found is None:
            return None
        reply, self._in = found
        return reply


def _broken(code: int) -> Broken:
    refused = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)
    refusal = Refusal.REFUSED if code in refused else Refusal.CLOSED
    return Broken(refusal, os.strerror(code))
