"""Signals of the runner: a mark and a woken wait, never an exception in the middle of a drill."""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal outside any drill; pytest ends the session in order."""


class Signals:
    """While a drill runs a signal only wakes the runner, which asks the keeper to end it.

    `received` holds the names in order; `further` is called for every one after the first, to
    say what still stands. Outside a drill the first one raises Interrupted.
    """

    def __init__(self) -> None:
        self.received: list[str] = []
        self.in_drill = False
        self.further: Callable[[], None] = lambda: None
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self._writer, False)
        self._before: dict[int, Any] = {}

    def install(self) -> None:
        """Take the signals over; `restore` gives them back."""
        for number in NUMBERS:
            self._before[number] = signal.signal(number, self._receive)

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def drain(self) -> None:
        """Empty the wake-up pipe."""
        try:
            while os.read(self.reader, 512):
                pass
        except BlockingIOError:
            return

    def _receive(self, number: int, _: FrameType | None) -> None:
        self.received.append(signal.Signals(number).name)
        if not self.in_drill:
            raise Interrupted(f"received {self.received[-1]}")
        os.write(self._writer, b"!")
