"""The open connections of the recorder: which are idle, which still connect, what they wait for."""

from collections import deque
from collections.abc import Callable, Iterator

from firemarshal.clock import now_us
from firemarshal.probes.recorder.client import Client
from firemarshal.probes.recorder.flight import Flight, Link
from firemarshal.probes.recorder.watch import IN, Watch


class Links:
    """Connections kept open and used again, the one used last first, as a pool does."""

    def __init__(self, client: Client, watch: Watch, host_timeout_us: int, most_late: int) -> None:
        self._client = client
        self._most_late = most_late
        self._late: set[Link] = set()
        self._watch = watch
        self._host_timeout_us = host_timeout_us
        self._open: set[Link] = set()
        self._idle: list[Link] = []
        self._connecting: deque[Link] = deque()

    def __len__(self) -> int:
        return len(self._open)

    def open(self, endpoint: int, flight: Flight, stepped: Callable[[Link], None]) -> None:
        """Begin a connection for a flight; `stepped` is called when it can go on. Raises Broken."""
        connection = self._client.connect(endpoint)
        link = Link(connection, endpoint, flight, now_us() + self._host_timeout_us, stepped)
        flight.link = link
        self._open.add(link)
        self._connecting.append(link)
        self.rewatch(link)

    def take(self, flight: Flight) -> Link | None:
        """An idle connection, None when there is none."""
        if not self._idle:
            return None
        link = self._idle.pop()
        link.flight, flight.link = flight, link
        return link

    def rest(self, link: Link) -> None:
        """Keep a connection for a later flight; it is watched, so that its end is noticed."""
        self._late.discard(link)
        self._idle.append(link)
        self.rewatch(link)

    def outwait(self, link: Link) -> bool:
        """Go on listening where a request was given up; False when enough are listened to.

        An application without a deadline hears what is said there, and goes on writing there.
        """
        if len(self._late) < self._most_late:
            self._late.add(link)
        return link in self._late

    def rewatch(self, link: Link) -> None:
        """Watch what the connection waits for now; while connecting the socket may be another."""
        events = IN if link.flight is None else link.connection.wants()
        now = (link.connection.fileno(), events)
        if link.ready and now == link.watched:
            return
        if now[0] != link.watched[0]:
            self._watch.drop(link.watched[0])
        self._watch.set(now[0], events, lambda: link.stepped(link))
        link.watched = now

    def overdue(self, now: int) -> Iterator[Link]:
        """Those that took too long to connect."""
        queue = self._connecting
        while queue and (queue[0].ready or queue[0].closed or queue[0].host_deadline_us <= now):
            link = queue.popleft()
            if not (link.ready or link.closed):
                yield link

    @property
    def next_us(self) -> int | None:
        """When the next connection will have taken too long, None when none is being made."""
        return self._connecting[0].host_deadline_us if self._connecting else None

    def shut(self, link: Link) -> None:
        """Close a connection. Safe when it is closed."""
        if link.closed:
            return
        link.closed = True
        self._open.discard(link)
        self._late.discard(link)
        if link in self._idle:
            self._idle.remove(link)
        self._watch.drop(link.watched[0])
        link.connection.close()

    def shut_all(self) -> None:
        """Close every connection, also those that still owe an answer."""
        for link in list(self._open):
            self.shut(link)

    def shut_idle(self, endpoint: int | None = None) -> None:
        """Close the idle connections to one address, or all."""
        for link in [one for one in self._idle if endpoint in (None, one.endpoint)]:
            self.shut(link)
