"""What a client of the recorder is: a way to connect, and connections that never block."""

from dataclasses import dataclass
from typing import Protocol

from firemarshal.ledger import Outcome, Refusal


class Broken(Exception):
    """The connection is of no use any more; what was sent over it and not answered is in doubt."""

    def __init__(self, refusal: Refusal, text: str) -> None:
        super().__init__(text)
        self.refusal = refusal
        self.text = text


@dataclass(frozen=True, slots=True)
class Reply:
    """The system's answer to one write; `usable` is False when this host is not to be asked."""

    outcome: Outcome
    refusal: Refusal = Refusal.NONE
    usable: bool = True
    text: str = ""


class Connection(Protocol):
    """One connection to one host, driven by readiness; every call returns at once."""

    @property
    def ready(self) -> bool:
        """True once writes may be sent; before that the connection is still being made."""

    def fileno(self) -> int:
        """The descriptor to watch now; it may change until the connection is ready."""

    def wants(self) -> int:
        """The epoll events to wait for."""

    def step(self) -> Reply | None:
        """Do what can be done now; the reply when one is complete. Raises Broken."""

    def send(self, key: int, value: int) -> None:
        """Send one write; at most one is under way. Raises Broken."""

    def close(self) -> None:
        """Shut the socket; never waits for the other side, and never asks it to cancel."""


class Client(Protocol):
    """Every module that a spec names has `open_client(endpoint) -> Client`; ValueError if wrong."""

    @property
    def endpoints(self) -> list[str]:
        """`host:port` of every address, in the order in which they are tried; no secrets."""

    def connect(self, endpoint: int) -> Connection:
        """Begin a connection to one address. Raises Broken."""
