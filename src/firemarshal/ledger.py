"""The ledger: every attempt of a recorder, in memory that survives the recorder's death.

One file a client, mapped by the writer; a record is written before its request is sent (INTENT),
so that a SIGKILL of the recorder can never lose an acknowledged write, only leave it in doubt.
Layout: 4,096 bytes of header (magic, count of records begun, closed flag, JSON about the client),
then records of 64 bytes in the order of their keys; key `k` stands at slot `k - 1`.
"""

import json
import mmap
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

MAGIC = b"FMLEDGR1"
HEADER_BYTES = 4096
HEADER = struct.Struct("<8sQQI")  # magic, begun, closed, length of the JSON that follows
RECORD = struct.Struct("<QqqqqIIBBB5xq")
RECORD_BYTES = RECORD.size
NO_ENDPOINT = 255
READ_AT_ONCE = 4096


class Outcome(IntEnum):
    """What became of an attempt; a late answer is UNKNOWN: neither saved nor lost."""

    EMPTY = 0
    INTENT = 1
    OK = 2
    FAILED = 3
    UNKNOWN = 4
    SHED = 5


class Refusal(IntEnum):
    """Why an attempt was not OK, as far as the client could tell."""

    NONE = 0
    REFUSED = 1
    CLOSED = 2
    DEADLINE = 3
    READ_ONLY = 4
    SERVER_ERROR = 5
    TOO_MANY = 6
    NO_ADDRESS = 7


@dataclass(slots=True)
class Attempt:
    """One attempt; times in microseconds of CLOCK_BOOTTIME, 0 where the moment never came.

    `begun_us - scheduled_us` is the recorder's own lateness; `sent_us` is 0 when nothing reached
    the system, so that a FAILED attempt without it can never have been stored. `endpoint` is the
    index of the address asked last in the header's `endpoints`; `connections` how many were open.
    `late_us` is when OK came for a request already given up: no client with a deadline heard it,
    one without would have taken it as stored.
    """

    key: int
    scheduled_us: int
    begun_us: int = 0
    sent_us: int = 0
    done_us: int = 0
    value: int = 0
    connections: int = 0
    outcome: Outcome = Outcome.INTENT
    refusal: Refusal = Refusal.NONE
    endpoint: int = NO_ENDPOINT
    late_us: int = 0


class LedgerWriter:
    """The writing side, held by exactly one recorder; room for `capacity` attempts."""

    def __init__(self, path: Path, capacity: int, about: dict[str, Any]) -> None:
        text = json.dumps(about, sort_keys=True).encode()
        if len(text) > HEADER_BYTES - HEADER.size:
            raise ValueError(f"the header of {path.name} would hold {len(text)} bytes, too many")
        self.capacity = capacity
        self.begun = 0
        self._about_bytes = len(text)
        size = HEADER_BYTES + capacity * RECORD_BYTES
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
            self._map = mmap.mmap(descriptor, size)
        except OSError:
            path.unlink()  # a full disk must not keep half a ledger on top
            raise
        finally:
            os.close(descriptor)
        self._map[HEADER.size : HEADER.size + len(text)] = text
        self._write_head(closed=0)

    def write(self, attempt: Attempt) -> None:
        """Store the attempt at its key's slot; IndexError when the key does not fit."""
        if not 1 <= attempt.key <= self.capacity:
            raise IndexError(f"key {attempt.key} does not fit a ledger of {self.capacity}")
        a, at = attempt, HEADER_BYTES + (attempt.key - 1) * RECORD_BYTES
        # In one copy: `pack_into` clears its place first, which a reader or a SIGKILL could meet.
        self._map[at : at + RECORD_BYTES] = RECORD.pack(
            *(a.key, a.scheduled_us, a.begun_us, a.sent_us, a.done_us),
            *(a.value, a.connections, a.outcome, a.refusal, a.endpoint, a.late_us),
        )
        if a.key > self.begun:
            self.begun = a.key
            self._write_head(closed=0)

    def close(self) -> None:
        """Mark the ledger as ended in order and hand it to the disk; a torn one has no mark."""
        self._write_head(closed=1)
        self._map.flush()
        self._map.close()

    def _write_head(self, closed: int) -> None:
        self._map[: HEADER.size] = HEADER.pack(MAGIC, self.begun, closed, self._about_bytes)


class Ledger:
    """The reading side; safe while the writer is alive, and after it was killed.

    Raises ValueError with the file's name when the file is not a ledger.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        head = self._file.read(HEADER.size)
        if len(head) < HEADER.size or not head.startswith(MAGIC):
            self._file.close()
            raise ValueError(f"{path} is not a ledger: it does not begin with {MAGIC!r}")
        _, _, _, length = HEADER.unpack(head)
        self.about: dict[str, Any] = json.loads(self._file.read(length))

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def begun(self) -> int:
        """How many attempts were begun so far: the highest key written."""
        return int(self._head()[1])

    @property
    def closed(self) -> bool:
        """True when the recorder ended in order; False while it runs, and for ever if it died."""
        return bool(self._head()[2])

    def attempts(self, first: int = 1) -> Iterator[Attempt]:
        """The attempts from key `first` on, in the order of keys; empty slots are left out.

        Read in parts, so that a ledger of days needs no memory.
        """
        last = self.begun
        for start in range(first, last + 1, READ_AT_ONCE):
            count = min(READ_AT_ONCE, last + 1 - start)
            offset = HEADER_BYTES + (start - 1) * RECORD_BYTES
            data = os.pread(self._file.fileno(), count * RECORD_BYTES, offset)
            for fields in RECORD.iter_unpack(data[: len(data) - len(data) % RECORD_BYTES]):
                key, scheduled, begun, sent, done, value, connections, *rest = fields
                outcome, why, endpoint, late = rest
                if outcome != Outcome.EMPTY:
                    yield Attempt(
                        *(key, scheduled, begun, sent, done, value, connections),
                        *(Outcome(outcome), Refusal(why), endpoint, late),
                    )

    def _head(self) -> tuple[bytes, int, int, int]:
        head: tuple[bytes, int, int, int] = HEADER.unpack(
            os.pread(self._file.fileno(), HEADER.size, 0)
        )
        return head
