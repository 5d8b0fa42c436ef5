"""What is in the air: an attempt, the connection that carries it, and how long both may take."""

from collections.abc import Callable
from dataclasses import dataclass

from firemarshal.ledger import Attempt
from firemarshal.probes.recorder.client import Connection


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an attempt and one host of it may take, and how many connections may be open."""

    attempt_deadline_us: int
    host_timeout_us: int
    connections: int


@dataclass(slots=True, eq=False)
class Flight:
    """An attempt in the air; `hosts_left` counts the addresses that it may still ask."""

    attempt: Attempt
    deadline_us: int
    hosts_left: int
    link: "Link | None" = None
    over: bool = False


@dataclass(slots=True, eq=False)
class Link:
    """A connection and the flight that uses it; None while idle."""

    connection: Connection
    endpoint: int
    flight: Flight | None
    host_deadline_us: int
    stepped: "Callable[[Link], None]"
    ready: bool = False
    closed: bool = False
    watched: tuple[int, int] = (-1, 0)
