"""The loop of the recorder: ticks, answers and deadlines, in one thread that never waits for one.

Open loop: a tick begins its attempt whatever became of the earlier ones.
"""

import os
import signal
import struct
import zlib
from collections.abc import Callable
from types import FrameType

from firemarshal.clock import now_us
from firemarshal.ledger import Attempt, LedgerWriter
from firemarshal.probes.recorder.client import Client
from firemarshal.probes.recorder.flight import Limits
from firemarshal.probes.recorder.pool import Pool
from firemarshal.probes.recorder.spec import BadSpec, Spec
from firemarshal.probes.recorder.timer import Ticks
from firemarshal.probes.recorder.watch import IN, Watch

LONGEST_WAIT_US = 1_000_000


def value_of(key: int, seed: int) -> int:
    """The 31 bits that attempt `key` writes: looks random, so that a mixed-up row is noticed."""
    return zlib.crc32(struct.pack("<QI", key, seed)) & 0x7FFFFFFF


class Recorder:
    """Begins one attempt a tick until it is told to end, or nobody is left to tell it."""

    def __init__(
        self, spec: Spec, client: Client, ledger: LedgerWriter, complain: Callable[[str], None]
    ) -> None:
        limits = Limits(
            round(spec.attempt_deadline_s * 1e6), round(spec.host_timeout_s * 1e6), spec.connections
        )
        self._spec = spec
        self._ledger = ledger
        self._watch = Watch()
        self._pool = Pool(client, ledger, self._watch, limits, complain)
        self._begun = 0
        self._ending = False

    def run(self, first_us: int, seed: int, ready: Callable[[], None]) -> None:
        """Tick from `first_us` on; returns when ended in order. Call it once."""
        self._seed = seed
        self._ends_us = first_us + round(self._spec.max_life_s * 1e6)
        self._ticks = Ticks(first_us, self._spec.rate_per_s)
        self._listen()
        self._watch.set(self._ticks.fileno(), IN, self._tick)
        ready()
        next_us: int | None = None
        while not (self._ending and self._pool.in_flight == 0):
            for call in self._watch.wait(self._patience_s(next_us)):
                call()
            next_us = self._pool.expire()
            if now_us() >= self._ends_us:
                self._end()
        self._pool.close()
        self._watch.close()

    def _patience_s(self, next_us: int | None) -> float:
        now = now_us()
        until_us = now + LONGEST_WAIT_US if next_us is None else next_us
        return max(0, min(until_us - now, LONGEST_WAIT_US)) / 1e6

    def _tick(self) -> None:
        if self._ending:
            return
        self._ticks.rest()
        now = now_us()
        for key in range(self._begun + 1, min(self._ticks.due(now), self._ledger.capacity) + 1):
            self._begun = key
            scheduled_us = self._ticks.scheduled_us(key)
            if scheduled_us >= self._ends_us:
                self._end()
                return
            self._pool.begin(
                Attempt(key, scheduled_us, begun_us=now_us(), value=value_of(key, self._seed))
            )

    def _end(self) -> None:
        if not self._ending:
            self._ending = True
            self._watch.drop(self._ticks.fileno())
            self._ticks.close()

    def _listen(self) -> None:
        """End on a word or the end of stdin, on a signal, and when the parent is gone."""
        try:
            self._watch.set(0, IN, self._told)
            self._parent = os.pidfd_open(self._spec.parent_pid)
        except PermissionError as error:
            raise BadSpec("stdin must be a pipe, whose end ends the recorder") from error
        except ProcessLookupError as error:
            raise BadSpec(f"parent_pid = {self._spec.parent_pid} is gone") from error
        self._watch.set(self._parent, IN, self._end)
        heard, heard_by_signal = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(heard_by_signal, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _heard)
        self._watch.set(heard, IN, self._end)

    def _told(self) -> None:
        said = os.read(0, 4096)
        if not said or b"stop\n" in said:
            self._watch.drop(0)
            self._end()


def _heard(number: int, frame: FrameType | None) -> None:
    """The wake-up pipe tells the loop; doing work in a handler could tear a record."""
