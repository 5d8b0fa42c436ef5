"""libpq without ever waiting: every call does what can be done now."""

from psycopg import Error, pq

from firemarshal.ledger import Refusal
from firemarshal.probes.recorder.answers import refusal, text_of
from firemarshal.probes.recorder.client import Broken
from firemarshal.probes.recorder.watch import IN, OUT

FATAL = (b"FATAL", b"PANIC")


class Libpq:
    """One connection of libpq; psycopg's errors become Broken."""

    def __init__(self, conninfo: bytes) -> None:
        self.wants = OUT
        self._result: pq.abc.PGresult | None = None
        self._pg = pq.PGconn.connect_start(conninfo)
        if self._pg.status == pq.ConnStatus.BAD:
            raise self._broken()

    def fileno(self) -> int:
        """The socket as it is now; libpq may open another while it connects."""
        return self._pg.socket

    def poll(self) -> bool:
        """Go on connecting; True when connected. Only when the socket is ready. Raises Broken."""
        state = self._pg.connect_poll()
        if state == pq.PollingStatus.FAILED:
            raise self._broken()
        self.wants = OUT if state == pq.PollingStatus.WRITING else IN
        if state == pq.PollingStatus.OK:
            self._pg.nonblocking = 1
        return state == pq.PollingStatus.OK

    def says(self, name: bytes) -> bool:
        """Whether a parameter that the server reports by itself is on."""
        return self._pg.parameter_status(name) == b"on"

    def prepare(self, name: bytes, query: bytes, types: tuple[int, ...]) -> None:
        """Send the preparation of a statement. Raises Broken."""
        try:
            self._pg.send_prepare(name, query, types)
            self._flush()
        except Error as error:
            raise self._broken() from error

    def execute(self, name: bytes, values: list[bytes]) -> None:
        """Send a prepared statement. Raises Broken."""
        try:
            self._pg.send_query_prepared(name, values)
            self._flush()
        except Error as error:
            raise self._broken() from error

    def ask_nothing(self) -> None:
        """Send an empty query: with its answer come changed parameters. Raises Broken."""
        try:
            self._pg.consume_input()
            self._pg.consume_input()  # the first read may find last words, the second the end
            self._pg.send_query(b"")
            self._flush()
        except Error as error:
            raise self._broken() from error

    def answer(self) -> "pq.abc.PGresult | None":
        """The last result, once the server is ready again: an error at commit comes last.

        A FATAL error is no answer but the end of the connection. Raises Broken.
        """
        try:
            self._flush()
            self._pg.consume_input()
            while not self._pg.is_busy():
                result = self._pg.get_result()
                if result is None:
                    result, self._result = self._result, None
                    return result
                self._result = result
                if result.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED) in FATAL:
                    raise Broken(Refusal.CLOSED, text_of(result))
        except Error as error:
            raise self._broken() from error
        return None

    def finish(self) -> None:
        """Close the socket; libpq's own cancelling would connect anew, and wait."""
        self._pg.finish()

    def _flush(self) -> None:
        self.wants = IN | OUT if self._pg.flush() else IN

    def _broken(self) -> Broken:
        text = self._pg.get_error_message()
        return Broken(refusal(text), text)
