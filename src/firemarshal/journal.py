"""The journal: one chained line an event, one file a writer, readable by whoever comes later."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from firemarshal.clock import now_us, utc_text
from firemarshal.drill import canonical
from firemarshal.secrets import hidden

Line = dict[str, Any]
FIRST = "0" * 64
CHAIN = ("seq", "prev", "at_us", "utc", "writer")


class Journal:
    """The writing side; every line names the hash of the one before, so that a gap shows.

    No secret of the environment passes its door, whoever put it into an error or an answer.

    A disk that refuses a line must not keep a fault from being healed: the refusal is kept in
    `broken`, further lines are kept in memory only, and the drill cannot pass any more.
    """

    def __init__(self, path: Path, writer: str, watcher: Callable[[Line], None]) -> None:
        self.path, self.writer = path, writer
        self.broken = ""
        self.lines: list[Line] = []
        self._watcher = watcher
        self._head = FIRST
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    @property
    def head(self) -> str:
        """The hash of the last line: naming it elsewhere binds everything before it."""
        return self._head

    def note(self, event: str, *, durable: bool = False, **facts: Any) -> Line:
        """Write one event; `durable` waits for the disk (phase changes, never every line)."""
        if taken := [name for name in CHAIN if name in facts]:
            raise TypeError(
                f"a fact may not be called {', '.join(taken)}: the chain needs the name"
            )
        line: Line = {
            "seq": len(self.lines) + 1,
            "prev": self._head,
            "at_us": now_us(),
            "utc": utc_text(),
            "writer": self.writer,
            "event": event,
            **hidden(facts),
        }
        data = canonical(line)
        self._head = hashlib.sha256(data).hexdigest()
        self.lines.append(line)
        self._store(data + b"\n", durable)
        self._watcher(line)
        return line

    def _store(self, data: bytes, durable: bool) -> None:
        if self.broken:
            return
        try:
            if os.write(self._descriptor, data) != len(data):
                raise OSError("only part of a line fitted")
            if durable:
                os.fdatasync(self._descriptor)
        except OSError as problem:
            self.broken = f"the journal {self.path.name} could not be written: {problem}"

    def close(self) -> None:
        """Hand the file to the disk; the line `sealed` must have been noted before."""
        try:
            os.fsync(self._descriptor)
        except OSError as problem:
            self.broken = self.broken or f"the journal could not be synced: {problem}"
        os.close(self._descriptor)


@dataclass(frozen=True)
class Reading:
    """A journal as found: `torn` is a last line cut short, `broken_at` the first bad link.

    A chain cannot show that its end is missing: compare `head` with the one kept elsewhere.
    """

    lines: list[Line]
    torn: bool
    broken_at: int | None
    head: str

    @property
    def sealed(self) -> bool:
        """Whether its writer ended in order."""
        return bool(self.lines) and self.lines[-1].get("event") == "sealed"

    @property
    def sound(self) -> bool:
        """Chain whole, and torn only where no seal promises more."""
        return self.broken_at is None and not (self.torn and self.sealed)


def read(path: Path) -> Reading:
    """Read and check a journal; a torn last line is dropped and reported, never repaired."""
    data = path.read_bytes()
    whole, _, rest = data.rpartition(b"\n")
    lines: list[Line] = []
    head = FIRST
    for number, raw in enumerate(whole.split(b"\n") if whole else [], start=1):
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return Reading(lines, bool(rest), number, head)
        if not isinstance(line, dict) or line.get("prev") != head or line.get("seq") != number:
            return Reading(lines, bool(rest), number, head)
        head = hashlib.sha256(raw).hexdigest()
        lines.append(line)
    return Reading(lines, bool(rest), None, head)
