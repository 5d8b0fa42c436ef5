"""Attempts in the air and their ledger: nothing is done before it is written."""

from collections import deque
from collections.abc import Iterator

from firemarshal.clock import now_us
from firemarshal.ledger import Attempt, LedgerWriter, Outcome, Refusal
from firemarshal.probes.recorder.flight import Flight


class Flights:
    """The book of attempts: begun, sent, ended; every one ends exactly once."""

    def __init__(self, ledger: LedgerWriter, deadline_us: int, hosts: int) -> None:
        self._ledger = ledger
        self._deadline_us = deadline_us
        self._hosts = hosts
        self._queue: deque[Flight] = deque()
        self.count = 0

    def begin(self, attempt: Attempt) -> Flight:
        """Write the INTENT and start the clock of the attempt."""
        self._ledger.write(attempt)
        flight = Flight(attempt, attempt.begun_us + self._deadline_us, self._hosts)
        self._queue.append(flight)
        self.count += 1
        return flight

    def sending(self, flight: Flight, endpoint: int, connections: int) -> None:
        """Write that the request is about to leave: from here on it may have been stored."""
        attempt = flight.attempt
        attempt.endpoint, attempt.connections = endpoint, connections
        attempt.sent_us = now_us()
        self._ledger.write(attempt)

    def end(self, flight: Flight, outcome: Outcome, refusal: Refusal, connections: int) -> None:
        """Write what became of it; `done_us` is when the client knew, also when it gave up."""
        attempt = flight.attempt
        attempt.done_us = now_us()
        if outcome is Outcome.OK and attempt.done_us > flight.deadline_us:
            outcome, refusal = Outcome.UNKNOWN, Refusal.DEADLINE
        attempt.outcome, attempt.refusal = outcome, refusal
        attempt.connections = connections
        flight.over = True
        self.count -= 1
        self._ledger.write(attempt)

    def late(self, flight: Flight) -> None:
        """Write that a request which was given up is stored, as the system says after all."""
        flight.attempt.late_us = now_us()
        self._ledger.write(flight.attempt)

    def overdue(self, now: int) -> Iterator[Flight]:
        """Those past their deadline; all have the same patience, so they stand in its order."""
        while self._queue and (self._queue[0].over or self._queue[0].deadline_us <= now):
            flight = self._queue.popleft()
            if not flight.over:
                yield flight

    @property
    def next_us(self) -> int | None:
        """When the next deadline is, None when nothing is in the air."""
        return self._queue[0].deadline_us if self._queue else None
