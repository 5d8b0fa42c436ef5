"""Everything the keeper waits for, in one place, so that a stop is heard wherever it waits."""

import os
import select
import signal
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

import orjson

from firemarshal.clock import now_us
from firemarshal.secrets import hidden

SLICE_US = 100_000
LEASE_US = 5_000_000
BEAT_US = 500_000
Json = dict[str, Any]


class Stopped(Exception):
    """The drill must end now: signal, person, runner gone, or a fault that stood too long."""

    def __init__(self, code: str, why: str) -> None:
        self.code, self.why = code, why
        super().__init__(why)


class Waiting:
    """The channel to the runner, its life, and whatever descriptor is asked for.

    A stop is remembered for ever and raised at every wait that heeds it. `until_us` is the
    moment after which no fault may stand (max_hold), 0 while none does. `on_beat` is called twice
    a second wherever the keeper waits, so that a long wait is never a silent one; `orders` is asked
    as often whether somebody wants the drill to end. `alarms` are descriptors that say so.
    """

    def __init__(self, channel: socket.socket, runner_pid: int) -> None:
        self.stop: Stopped | None = None
        self.inbox: deque[Json] = deque()
        self.hold_until_us = 0
        self.on_beat: Callable[[], None] = lambda: None
        self.orders: Callable[[], Stopped | None] = lambda: None
        self.alarms: dict[int, Callable[[], Stopped | None]] = {}
        self._channel: socket.socket | None = channel
        self._runner: int | None = _pidfd(runner_pid)
        self._heard_us = self._beat_us = now_us()
        self._buffer = b""
        self._ready: set[int] = set()
        if self._runner is None:
            self._runner_gone("the runner was gone before the drill began")

    def heed_nobody(self) -> None:
        """On the way home nobody is asked any more: an order must not stand in healing's way."""
        self.orders = lambda: None
        self.on_beat = lambda: None
        self.alarms.clear()

    def install_signals(self) -> None:
        """Signals to the keeper itself only leave a mark, as they do for the runner."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._signalled)

    def _signalled(self, number: int, _: object) -> None:
        name = signal.Signals(number).name
        self.stop = self.stop or Stopped("signal", f"the keeper received {name}")

    def tell(self, message: Json) -> None:
        """Say something to the runner; a runner that is gone or does not listen is no error."""
        if self._channel is None:
            return
        try:
            self._channel.sendall(orjson.dumps(hidden(message)) + b"\n")
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self._runner_gone("the runner no longer listens")

    def ready(self, descriptor: int) -> bool:
        """Whether the last wait found something on it."""
        return descriptor in self._ready

    def for_any(self, descriptors: list[int], until_us: int, *, heed: bool = True) -> bool:
        """Wait for one of the descriptors; False when the moment passed. Raises Stopped."""
        while True:
            if heed:
                self.check()
            left_us = min(until_us - now_us(), SLICE_US)
            if left_us <= 0 and now_us() >= until_us:
                return self._poll(descriptors, 0)
            if self._poll(descriptors, left_us):
                return True

    def pause(self, until_us: int, *, heed: bool = True) -> None:
        """Wait for a moment only."""
        self.for_any([], until_us, heed=heed)

    def next_request(self) -> Json:
        """The runner's next request; raises Stopped when it will not come any more."""
        while not self.inbox:
            self.check()
            self._poll([], SLICE_US)
        return self.inbox.popleft()

    def check(self) -> None:
        """Raise the stop that was asked for, or that time itself asks for."""
        if self.hold_until_us and now_us() > self.hold_until_us:
            self.stop = self.stop or Stopped("max-hold", "the fault stood for max_hold_s")
        if self._channel is not None and now_us() - self._heard_us > LEASE_US:
            self._runner_gone(f"the runner has not been heard for {LEASE_US // 1_000_000} s")
        if self.stop:
            raise self.stop

    def _beat(self) -> None:
        """Tell the runner that the keeper is not stuck; a stopped keeper falls silent."""
        if now_us() - self._beat_us >= BEAT_US:
            self._beat_us = now_us()
            self.tell({"tell": "beat", "pid": os.getpid()})
            self.stop = self.stop or self.orders()
            self.on_beat()

    def _poll(self, descriptors: list[int], wait_us: int) -> bool:
        self._beat()
        poll = select.poll()
        own = [one for one in (self._channel, self._runner) if one is not None]
        for one in [*descriptors, *own, *self.alarms]:
            poll.register(one, select.POLLIN)
        self._ready = {fd for fd, _ in poll.poll(max(wait_us, 0) / 1000)}
        if self._channel is not None and self._channel.fileno() in self._ready:
            self._listen(self._channel)
        if self._runner is not None and self._runner in self._ready:
            self._runner_gone("the runner is gone")
        for one in [one for one in self.alarms if one in self._ready]:
            self.stop = self.stop or self.alarms.pop(one)()
        return any(one in self._ready for one in descriptors)

    def _listen(self, channel: socket.socket) -> None:
        try:
            data = channel.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            self._runner_gone("the runner hung up")
            return
        self._heard_us = now_us()
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            message = orjson.loads(line)
            if message["ask"] == "stop":
                self.stop = self.stop or Stopped(message["code"], message["why"])
            elif message["ask"] != "alive":
                self.inbox.append(message)

    def _runner_gone(self, why: str) -> None:
        self.stop = self.stop or Stopped("runner-lost", why)
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._runner is not None:
            os.close(self._runner)
            self._runner = None


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None
