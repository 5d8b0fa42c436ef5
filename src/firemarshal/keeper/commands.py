"""One command of a team to its end: its time, its output in bounds, and what it started.

Its output comes through a pipe, of which the first and the last megabyte are kept. What it leaves
in the background may hold that pipe: it neither delays the end nor dies of a closed pipe.
"""

import os
import re
import select
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from firemarshal.clock import now_us
from firemarshal.keeper.stragglers import end_started, start_of, started_by, subreaper
from firemarshal.secrets import without_secrets

MOST_KEPT = 1 << 20
MARGIN = 1 << 16  # dropped at a cut, which may go through the middle of a secret
CHUNK = 1 << 16
LONGEST_MARK = 200
BROKEN = -1


@dataclass
class BothEnds:
    """The first and the last megabyte of a text without end; `total` counts bytes."""

    total: int = 0
    first: bytearray = field(default_factory=bytearray)
    last: bytearray = field(default_factory=bytearray)

    def add(self, chunk: bytes) -> None:
        """Hear more of it."""
        self.total += len(chunk)
        room = MOST_KEPT + MARGIN - len(self.first)
        self.first += chunk[:room]
        self.last += chunk[room:]
        if len(self.last) > 2 * (MOST_KEPT + MARGIN):
            del self.last[: -(MOST_KEPT + MARGIN)]

    def text(self) -> str:
        """What may be kept, secrets hidden, with a line that says how much is left out."""
        if self.total > len(self.first) + len(self.last):
            first, last = _shown(self.first)[:-MARGIN], _shown(self.last)[MARGIN:]
        elif len(first := _shown(self.first + self.last)) > 2 * MOST_KEPT:
            last = first
        else:
            return first
        left_out = f"[{self.total - 2 * MOST_KEPT} of {self.total} bytes are left out here]"
        return f"{first[:MOST_KEPT]}\n{left_out}\n{last[-MOST_KEPT:]}"


def _shown(data: bytearray) -> str:
    return without_secrets(data.decode(errors="replace"))


@dataclass(frozen=True)
class Ended:
    """How a command ended; `code` None at its deadline, `left` what runs on in the background."""

    code: int | None
    said: str
    took_s: float
    left: tuple[str, ...]


def run(
    argv: Sequence[str],
    folder: str,
    words: Mapping[str, str],
    timeout_s: float,
    *,
    mark: str = "",
    spare: bool = True,
) -> Ended:
    """Run the words; what fails or is late is ended with everything it started.

    So is what a good one left in the background, unless that is to be spared. `words` are
    variables for it. With a `mark`, a line of it and a code in the output is the end, whoever
    holds the connection open, and a connection that ends without it has the code BROKEN.
    Raises OSError when it cannot be started.
    """
    subreaper()
    began_us = now_us()
    until_us = began_us + round(timeout_s * 1e6)
    reader, writer = os.pipe()
    try:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env={**os.environ, **words},
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.STDOUT,
            process_group=0,  # a script that ends its own group must not end us
        )
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    since = start_of(process.pid) or 0
    hearing = _Hearing(process, reader, mark)
    try:
        code = hearing.until_end(until_us)
        left = tuple(f"{one.pid} {one.name}" for one in started_by(os.getpid(), since))
        if code == 0 and spare and not mark:
            hearing.leave_open()
        else:
            end_started(os.getpid(), since)
            left = ()
    finally:
        hearing.close()
    return Ended(code, hearing.text(code), (now_us() - began_us) / 1e6, left)


class _Hearing:
    """What a running command says, until it ends."""

    def __init__(self, process: "subprocess.Popen[bytes]", reader: int, mark: str) -> None:
        os.set_blocking(reader, False)
        self._process, self._reader = process, reader
        self._pidfd = os.pidfd_open(process.pid)
        self._heard, self._open = BothEnds(), True
        self._mark = mark
        self._end = re.compile(rb"\n" + mark.encode() + rb" (\d+)\n") if mark else None
        self._window = b""

    def until_end(self, until_us: int) -> int | None:
        """The code, None when it has not ended at that moment."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        poll.register(self._reader, select.POLLIN)
        while (left_us := until_us - now_us()) > 0:
            ready = {fd for fd, _ in poll.poll(left_us / 1000)}
            if self._pidfd in ready:
                self._read(MOST_KEPT)  # no pipe holds more: whatever it said itself is in there
                code, marked = self._process.wait(), self._marked()
                return code if not self._mark else BROKEN if marked is None else marked
            if self._reader in ready and not self._read(CHUNK):
                poll.unregister(self._reader)
            if (marked := self._marked()) is not None:
                return marked
        return None

    def _read(self, most: int) -> bool:
        """Hear at most so many bytes; False at the end of the pipe."""
        while most > 0 and self._open:
            try:
                chunk = os.read(self._reader, CHUNK)
            except BlockingIOError:
                break
            self._open = bool(chunk)
            self._heard.add(chunk)
            self._window = self._window[-LONGEST_MARK:] + chunk if self._mark else b""
            most -= len(chunk)
        return self._open

    def _marked(self) -> int | None:
        found = self._end.search(self._window) if self._end else None
        return int(found[1]) if found else None

    def text(self, code: int | None) -> str:
        """What it said."""
        said = self._heard.text()
        return said.replace(f"\n{self._mark} {code}\n", "") if self._mark else said

    def leave_open(self) -> None:
        """Let somebody read on for what runs on in the background: a closed pipe would kill it."""
        if self._open and self._read(CHUNK):
            os.set_blocking(self._reader, True)
            subprocess.Popen(
                ["cat"],
                stdin=self._reader,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )

    def close(self) -> None:
        """Hear no more; ends the command where it has not ended."""
        self._process.kill()
        self._process.wait()
        os.close(self._pidfd)
        os.close(self._reader)
