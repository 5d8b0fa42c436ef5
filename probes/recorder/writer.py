"""A connection that writes to PostgreSQL: made, prepared once, then one INSERT at a time.

OK means ReadyForQuery, not CommandComplete: in the extended protocol the server sends the latter
before it commits.
"""

from collections.abc import Callable

from psycopg import pq

from firemarshal.ledger import Refusal
from firemarshal.probes.recorder.answers import reply, text_of
from firemarshal.probes.recorder.client import Broken, Reply
from firemarshal.probes.recorder.libpq import Libpq

STATEMENT = b"firemarshal_write"
TYPES = (20, 23)  # bigint, integer
Park = Callable[["PostgresConnection"], bool]


class PostgresConnection:
    """Connecting, then preparing, then ready.

    One to a standby parks instead of closing: during an outage every attempt asks the standby,
    and each new connection would cost 5 ms of CPU here for SCRAM, and a process there.
    """

    def __init__(self, conninfo: bytes, insert: bytes, writable: bool, park: Park) -> None:
        self.ready = False
        self._insert = insert
        self._writable = writable
        self._park = park
        self._connected = self._asking = self._standby = False
        self._libpq = Libpq(conninfo)

    def fileno(self) -> int:
        """The socket as it is now."""
        return self._libpq.fileno()

    def wants(self) -> int:
        """What libpq waits for."""
        return self._libpq.wants

    def step(self) -> Reply | None:
        """Connect, prepare, or take an answer, as far as possible now. Raises Broken."""
        if not self._connected:
            self._connected = self._libpq.poll()
            if self._connected:
                self._prepare()
            return None
        result = self._libpq.answer()
        if result is None:
            return None
        if self.ready:
            return reply(result)
        if self._asking:
            self._asking = False
            self._prepare()
        elif result.status != pq.ExecStatus.COMMAND_OK:
            why = f"the INSERT cannot be prepared: {text_of(result)}"
            raise Broken(Refusal.SERVER_ERROR, why)
        else:
            self.ready = True
        return None

    def send(self, key: int, value: int) -> None:
        """Send the INSERT. Raises Broken."""
        self._libpq.execute(STATEMENT, [b"%d" % key, b"%d" % value])

    def close(self) -> None:
        """Close, or park if this is a standby that answered."""
        if not (self._standby and self._park(self)):
            self._libpq.finish()

    def revive(self) -> bool:
        """Ask a parked one whether its server is still a standby; False when it is dead."""
        self._standby = False
        try:
            self._libpq.ask_nothing()
        except Broken:
            self._libpq.finish()
            return False
        self._asking = True
        return True

    def _prepare(self) -> None:
        if self._writable:
            self._standby = self._libpq.says(b"in_hot_standby")
            if self._standby or self._libpq.says(b"default_transaction_read_only"):
                raise Broken(Refusal.READ_ONLY, "the server takes no writes now")
        self._libpq.prepare(STATEMENT, self._insert, TYPES)
