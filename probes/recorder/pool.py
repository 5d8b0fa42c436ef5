"""Which attempts are let into the air, and when they are given up."""

from collections.abc import Callable

from firemarshal.clock import now_us
from firemarshal.ledger import Attempt, LedgerWriter, Outcome, Refusal
from firemarshal.probes.recorder.carrier import Carrier
from firemarshal.probes.recorder.client import Broken, Client
from firemarshal.probes.recorder.flight import Limits
from firemarshal.probes.recorder.flights import Flights
from firemarshal.probes.recorder.links import Links
from firemarshal.probes.recorder.watch import Watch

LATE_SHARE = 12  # of its connections one in twelve may wait for an answer that comes too late


class Pool:
    """Admits attempts up to the allowed connections, and ends what is over its time."""

    def __init__(
        self,
        client: Client,
        ledger: LedgerWriter,
        watch: Watch,
        limits: Limits,
        complain: Callable[[str], None],
    ) -> None:
        hosts = len(client.endpoints)
        self._limits = limits
        self._flights = Flights(ledger, limits.attempt_deadline_us, hosts)
        most_late = limits.connections // LATE_SHARE
        self._links = Links(client, watch, limits.host_timeout_us, most_late)
        self._carrier = Carrier(self._flights, self._links, hosts, complain)

    @property
    def in_flight(self) -> int:
        """How many attempts are neither answered nor given up."""
        return self._flights.count

    def begin(self, attempt: Attempt) -> None:
        """Carry an attempt, or shed it when every connection that is allowed is busy."""
        flight = self._flights.begin(attempt)
        link = self._links.take(flight)
        if link is not None:
            self._carrier.send(link, flight)
        elif len(self._links) >= self._limits.connections:
            self._carrier.end(flight, Outcome.SHED, Refusal.TOO_MANY)
        else:
            self._carrier.connect(flight)

    def expire(self) -> int | None:
        """End what is over its time; returns when to come again in microseconds, None for never."""
        now = now_us()
        for link in self._links.overdue(now):
            self._carrier.lost(link, Broken(Refusal.DEADLINE, "no connection in time"))
        for flight in self._flights.overdue(now):
            sent = bool(flight.attempt.sent_us)
            outcome = Outcome.UNKNOWN if sent else Outcome.FAILED
            self._carrier.end(flight, outcome, Refusal.DEADLINE)
            if flight.link is not None and not (sent and self._links.outwait(flight.link)):
                self._links.shut(flight.link)
        nexts = (self._links.next_us, self._flights.next_us)
        return min((next_us for next_us in nexts if next_us is not None), default=None)

    def close(self) -> None:
        """Shut every connection; call it when nothing is in flight."""
        self._links.shut_all()
