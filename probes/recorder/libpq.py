"""One connection of libpq, driven without ever waiting, with one prepared INSERT.

OK means ReadyForQuery, not CommandComplete: in the extended protocol the server sends the latter
before it commits.
"""

from collections.abc import Callable

from psycopg import Error, pq

from firemarshal.ledger import Refusal
from firemarshal.probes.recorder.answers import refusal, reply, text_of
from firemarshal.probes.recorder.client import Broken, Reply
from firemarshal.probes.recorder.watch import IN, OUT

STATEMENT = b"firemarshal_write"
TYPES = (20, 23)  # bigint, integer
FATAL = (b"FATAL", b"PANIC")

Park = Callable[["PostgresConnection"], bool]


class PostgresConnection:
    """One libpq connection: connecting, then preparing, then one write at a time.

    One to a standby parks instead of closing: during an outage every attempt asks the standby,
    and each new connection would cost 5 ms of CPU here for SCRAM, and a process there.
    """

    def __init__(self, conninfo: bytes, insert: bytes, writable: bool, park: Park) -> None:
        self.ready = False
        self._insert = insert
        self._writable = writable
        self._wants = OUT
        self._connecting = True
        self._asking = False
        self._standby = False
        self._park = park
        self._result: pq.abc.PGresult | None = None
        self._pg = pq.PGconn.connect_start(conninfo)
        if self._pg.status == pq.ConnStatus.BAD:
            raise self._broken()

    def fileno(self) -> int:
        """The socket as it is now; libpq may open another while it connects."""
        return self._pg.socket

    def wants(self) -> int:
        """What libpq waits for."""
        return self._wants

    def step(self) -> Reply | None:
        """Connect, prepare, or take an answer, as far as possible now. Raises Broken."""
        if self._connecting:
            self._poll()
            return None
        try:
            self._flush()
            self._pg.consume_input()
            result = self._complete()
        except Error as error:
            raise self._broken() from error
        if result is None:
            return None
        if self.ready:
            return reply(result)
        if self._asking:
            self._asking = False
            self._prepare()
            return None
        if result.status != pq.ExecStatus.COMMAND_OK:
            why = f"the INSERT cannot be prepared: {text_of(result)}"
            raise Broken(Refusal.SERVER_ERROR, why)
        self.ready = True
        return None

    def send(self, key: int, value: int) -> None:
        """Send the INSERT. Raises Broken."""
        try:
            self._pg.send_query_prepared(STATEMENT, [b"%d" % key, b"%d" % value])
            self._flush()
        except Error as error:
            raise self._broken() from error

    def close(self) -> None:
        """Close the socket, or park; libpq's own cancelling would connect anew and wait."""
        if self._standby and self._park(self):
            return
        self._pg.finish()

    def revive(self) -> bool:
        """Ask a parked one whether its server is still a standby; False when it is dead."""
        self._standby = False
        try:
            self._pg.consume_input()
            self._pg.send_query(b"")  # the server tells a changed in_hot_standby with any answer
            self._flush()
        except Error:
            self._pg.finish()
            return False
        self._asking = True
        return True

    def _poll(self) -> None:
        state = self._pg.connect_poll()
        if state == pq.PollingStatus.FAILED:
            raise self._broken()
        self._wants = OUT if state == pq.PollingStatus.WRITING else IN
        if state != pq.PollingStatus.OK:
            return
        self._connecting = False
        self._pg.nonblocking = 1
        self._prepare()

    def _prepare(self) -> None:
        if self._writable:
            self._standby = self._pg.parameter_status(b"in_hot_standby") == b"on"
            if self._standby or self._is_read_only():
                raise Broken(Refusal.READ_ONLY, "the server takes no writes now")
        try:
            self._pg.send_prepare(STATEMENT, self._insert, TYPES)
            self._flush()
        except Error as error:
            raise self._broken() from error

    def _is_read_only(self) -> bool:
        return self._pg.parameter_status(b"default_transaction_read_only") == b"on"

    def _flush(self) -> None:
        self._wants = IN | OUT if self._pg.flush() else IN

    def _complete(self) -> "pq.abc.PGresult | None":
        """The last result once the server is ready again: an error at commit comes last."""
        while not self._pg.is_busy():
            result = self._pg.get_result()
            if result is None:
                result, self._result = self._result, None
                return result
            self._result = result
            if result.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED) in FATAL:
                raise Broken(Refusal.CLOSED, text_of(result))
        return None

    def _broken(self) -> Broken:
        text = self._pg.get_error_message()
        return Broken(refusal(text), text)
