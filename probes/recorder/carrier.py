"""The application's own connection behaviour: next host on failure, stay with what works."""

from collections.abc import Callable

from firemarshal.clock import now_us
from firemarshal.ledger import Outcome, Refusal
from firemarshal.probes.recorder.client import Broken, Reply
from firemarshal.probes.recorder.flight import Flight, Link
from firemarshal.probes.recorder.flights import Flights
from firemarshal.probes.recorder.links import Links


class Carrier:
    """Takes an attempt from host to host until one answers.

    An attempt asks every host at most once, so that an outage is no stampede, and is never sent
    twice: a write that was sent and not answered is in doubt, not to be repeated.
    """

    def __init__(
        self, flights: Flights, links: Links, hosts: int, complain: Callable[[str], None]
    ) -> None:
        self._flights = flights
        self._links = links
        self._hosts = hosts
        self._complain = complain
        self._preferred = 0

    def connect(self, flight: Flight, endpoint: int | None = None) -> None:
        """Begin a connection, to the host that worked last unless one is named."""
        asked = self._preferred if endpoint is None else endpoint
        while True:
            flight.hosts_left -= 1
            flight.attempt.endpoint = asked
            try:
                self._links.open(asked, flight, self._stepped)
            except Broken as broken:
                if self._ends(flight, broken):
                    return
                asked = self._after(asked)
            else:
                return

    def _ends(self, flight: Flight, broken: Broken) -> bool:
        """End a flight that no host or no time is left for."""
        self._complain(broken.text)
        if flight.hosts_left and now_us() < flight.deadline_us:
            return False
        self.end(flight, Outcome.FAILED, broken.refusal)
        return True

    def end(self, flight: Flight, outcome: Outcome, refusal: Refusal) -> None:
        """Write the end of a flight."""
        self._flights.end(flight, outcome, refusal, len(self._links))

    def _after(self, endpoint: int) -> int:
        return (endpoint + 1) % self._hosts

    def send(self, link: Link, flight: Flight) -> None:
        """Send over a connection that is ready."""
        self._flights.sending(flight, link.endpoint, len(self._links))
        try:
            link.connection.send(flight.attempt.key, flight.attempt.value)
        except Broken as broken:
            self.lost(link, broken)
        else:
            self._links.rewatch(link)

    def _stepped(self, link: Link) -> None:
        if link.closed:
            return
        try:
            reply = link.connection.step()
        except Broken as broken:
            self.lost(link, broken)
            return
        if link.flight is not None and link.connection.ready and not link.ready:
            link.ready = True
            self.send(link, link.flight)
        elif link.flight is not None and reply is not None:
            self._answered(link, link.flight, reply)
        else:
            self._links.rewatch(link)

    def _answered(self, link: Link, flight: Flight, reply: Reply) -> None:
        link.flight = None
        self._complain(reply.text)
        if not flight.over:
            self.end(flight, reply.outcome, reply.refusal)
            if reply.outcome is Outcome.OK:
                self._preferred = link.endpoint
        elif reply.outcome is Outcome.OK:
            self._flights.late(flight)
        if reply.usable:
            self._links.rest(link)
            return
        # a deposed primary: shut what leads there, and begin elsewhere from now on
        self._links.shut(link)
        self._links.shut_idle(link.endpoint)
        if self._preferred == link.endpoint:
            self._preferred = self._after(link.endpoint)

    def lost(self, link: Link, broken: Broken) -> None:
        """Shut a connection; its flight goes to the next host, or ends in doubt if it was sent."""
        flight, link.flight = link.flight, None
        self._links.shut(link)
        if flight is None or flight.over:
            return
        if flight.attempt.sent_us:
            self._complain(broken.text)
            self.end(flight, Outcome.UNKNOWN, broken.refusal)
        elif not self._ends(flight, broken):
            self.connect(flight, self._after(link.endpoint))
