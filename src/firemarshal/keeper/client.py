"""The runner's end: orders go out, answers come back, and a dead keeper is noticed."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

SERVER = "firemarshal.keeper.server"
ALIVE_EVERY_S = 0.5
SILENT_S = 10.0
Json = dict[str, Any]
Listener = Callable[[Json], None]


class KeeperLost(Exception):
    """The keeper of a drill died; its faults are being healed by another one."""


class KeeperHouse:
    """The server process that forks keepers; started again when it was killed."""

    def __init__(self, rootdir: Path, log: Path) -> None:
        self._rootdir, self._log = rootdir, log
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Start the server; cheap to call when it runs already."""
        if self._process and self._process.poll() is None:
            return
        ours, theirs = socket.socketpair()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    *("-m", SERVER, str(theirs.fileno()), str(os.getpid()), str(self._rootdir)),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        theirs.close()
        self._socket = ours

    def drill(self, order: Json, listener: Listener) -> "Channel":
        """A channel to a keeper forked for this order."""
        return self._send({"ask": "drill", "order": order}, listener)

    def rehearse(self, order: Json, listener: Listener) -> Json:
        """Look what a drill would do; raises KeeperLost."""
        channel = self._send({"ask": "rehearse", "order": order}, listener)
        try:
            found: Json = channel.wait("done")["result"]
            return found
        finally:
            channel.close()

    def heal(
        self,
        state: Path,
        target: str,
        systems: list[str],
        within_s: float,
        listener: Listener,
        **more: Any,
    ) -> list[str]:
        """Heal what dead drills left on the systems; returns what still stands.

        `more` may hold `elsewhere`, how systems are reached on which another machine may have left
        something, and `force`, to take even what has not run out.
        """
        request = {
            "ask": "heal",
            "state": str(state),
            "target": target,
            "systems": systems,
            "within_s": within_s,
            "runner_pid": os.getpid(),
            **more,
        }
        channel = self._send(request, listener)
        try:
            standing: list[str] = channel.wait("done")["standing"]
        except KeeperLost:
            return ["unknown: the healing keeper died as well"]
        return standing

    def close(self) -> None:
        """Let the server end once its keepers have; it never leaves a fault behind."""
        if self._socket:
            self._socket.close()
        if self._process:
            self._process.wait()
        self._process = self._socket = None

    def _send(self, request: Json, listener: Listener) -> "Channel":
        try:
            return self._hand_over(request, listener)
        except (BrokenPipeError, ConnectionResetError):
            if self._process:
                self._process.wait()
            return self._hand_over(request, listener)

    def _hand_over(self, request: Json, listener: Listener) -> "Channel":
        self.open()
        assert self._socket is not None
        ours, theirs = socket.socketpair()
        data = orjson.dumps(request)
        try:
            socket.send_fds(self._socket, [len(data).to_bytes(8, "big")], [theirs.fileno()])
            self._socket.sendall(data)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        return Channel(ours, listener)


class Channel:
    """One drill's conversation with its keeper.

    `wake` are descriptors that interrupt a wait; the listener is then told "woken".
    """

    def __init__(self, connection: socket.socket, listener: Listener) -> None:
        self._socket = connection
        self._listener = listener
        self._buffer = b""
        self._messages: list[Json] = []
        self.gone = False
        self.wake: tuple[int, ...] = ()
        self._said_alive_at = 0.0
        self._heard, self._heard_at = 0, time.monotonic()

    def ask(self, message: Json) -> None:
        """Send one message; a keeper that is gone is noticed at the next wait."""
        try:
            self._socket.sendall(orjson.dumps(message) + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            self.gone = True

    def wait(self, *kinds: str) -> Json:
        """The next message of one of the kinds; the others go to the listener. Raises KeeperLost.

        While it waits it tells the keeper that the runner lives: a stopped runner does not.
        """
        while True:
            while self._messages:
                message = self._messages.pop(0)
                if message["tell"] in kinds:
                    return message
                self._listener(message)
            if self.gone:
                raise KeeperLost
            self._pump(ALIVE_EVERY_S)
            if self._heard and time.monotonic() - self._heard_at > SILENT_S:
                self._end_silent()

    def _pump(self, wait_s: float) -> None:
        watched: list[Any] = [self._socket, *self.wake]
        found = select.select(watched, [], [], wait_s)[0]
        if time.monotonic() - self._said_alive_at >= ALIVE_EVERY_S:
            self._said_alive_at = time.monotonic()
            self.ask({"ask": "alive"})
            self._listener({"tell": "tick"})
        if any(one in found for one in self.wake):
            self._listener({"tell": "woken"})
        if self._socket not in found:
            return
        try:
            data = self._socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            self.gone = True
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._heard_at = time.monotonic()
        for message in map(orjson.loads, lines):
            if message["tell"] == "beat":
                self._heard = message["pid"]
            else:
                self._messages.append(message)

    def _end_silent(self) -> None:
        """A keeper that stands still heals nothing: it is ended, so that another one can."""
        self._listener({"tell": "silent", "pid": self._heard})
        with suppress(ProcessLookupError):
            os.kill(self._heard, signal.SIGKILL)
        self._heard = 0

    def close(self) -> None:
        """Hang up; a keeper that still works takes this as the runner's end."""
        self._socket.close()
