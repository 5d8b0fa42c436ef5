"""Machines that members run on: the few things a fault may do there, the same over every road.

No command is ever a shell string made from data: locally the words go to `exec`, over ssh each is
quoted. A process is always pid and start time together, because pids are given out again.
Testinfra's ssh does not fit: it keeps a master connection open and has no deadline for a command.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firemarshal.fault import NotDone, VictimChanged
from firemarshal.host_scripts import (
    CONNECT_TIMEOUT_S,
    CURES,
    DEADLINE,
    GONE,
    KILL_TREE,
    OTHER,
    SIGNAL,
    SIGNAL_TREE,
    SPAWN,
    SSH_OPTIONS,
    ZOMBIE,
)
from firemarshal.processes import (
    LISTING,
    Process,
    children_of,
    finished,
    listed,
    local_processes,
    signal_exactly,
)

SHORT_S = 15.0
SSH_FAILED = 255
TIMEOUT_EXPIRED = (124, 137)
NOT_FOUND, NOT_ALLOWED = 127, 126
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class HostFailed(NotDone):
    """The host could not be asked; says which host, which command, what was seen and the cure."""


@dataclass(frozen=True)
class Result:
    """What a command answered; a code other than 0 is an answer, not an error."""

    code: int
    out: str
    err: str


class Host(ABC):
    """What a fault may do on a machine, whatever road leads there."""

    name: str

    @abstractmethod
    def ask(self, argv: Sequence[str], timeout_s: float, stdin: str) -> Result:
        """Run `argv` with `stdin` as its input; `run` without the convenience."""

    @abstractmethod
    def signal(self, pid: int, start: int, signal_name: str) -> None:
        """Signal exactly this process; VictimChanged when it is gone, dead or another one."""

    @abstractmethod
    def kill_tree(self, pid: int, start: int) -> None:
        """Stop exactly this process, then SIGKILL its children and it, in one go over any road.

        Stopped first, so that it can neither say goodbye for its children nor replace them;
        VictimChanged as for `signal`.
        """

    @abstractmethod
    def signal_tree(self, pid: int, start: int, signal_name: str) -> None:
        """SIGSTOP or SIGCONT exactly this process and its children, in one go over any road.

        VictimChanged as for `signal`; a child that ends meanwhile is no error.
        """

    @abstractmethod
    def by_hand(self, line: str) -> str:
        """A shell line for this machine as a person types it on the machine that drills."""

    @abstractmethod
    def processes(self) -> list[Process]:
        """All processes now, zombies included; those that end while being read are left out."""

    def run(self, argv: Sequence[str], timeout_s: float) -> Result:
        """Run a command without input; HostFailed when it could not be asked or did not end."""
        return self.ask(argv, timeout_s, "")

    def read(self, path: str) -> str:
        """The text of a file; HostFailed when it cannot be read."""
        return self._asked(["cat", "--", path]).out

    def exists(self, path: str) -> bool:
        """Whether the path leads to something; false also for a link to nothing."""
        result = self.run(["test", "-e", path], SHORT_S)
        if result.code not in (0, 1):
            raise self._failed(["test", "-e", path], result.err.strip())
        return result.code == 0

    def spawn(self, argv: Sequence[str], environment: Mapping[str, str], log_path: str) -> int:
        """Start what must outlive the caller, in a session of its own, and return its pid.

        Output is appended to `log_path`. The environment travels through the input, as the words
        of a command stand in every process list. HostFailed when command or log cannot be had.
        """
        for key, text in environment.items():
            if not VARIABLE.fullmatch(key) or "\n" in text or "\0" in text:
                raise ValueError(f"cannot pass the variable {key!r}: name or text is not one line")
        pairs = "".join(f"{key}={text}\n" for key, text in environment.items())
        words = ["sh", "-c", SPAWN, "spawn", log_path, *argv]
        return int(self._asked(words, pairs, shown=argv).out)

    def _asked(self, argv: Sequence[str], stdin: str = "", shown: Sequence[str] = ()) -> Result:
        result = self.ask(argv, SHORT_S, stdin)
        if result.code != 0:
            raise self._failed(shown or argv, f"exit code {result.code}: {result.err.strip()}")
        return result

    def _failed(self, argv: Sequence[str], seen: str, cure: str = "") -> HostFailed:
        tried = f"on host {self.name}: {shlex.join(argv)}"
        return HostFailed(f"{tried}; seen: {seen}" + (f"; cure: {cure}" if cure else ""))

    def _changed(self, pid: int, start: int, seen: str) -> VictimChanged:
        return VictimChanged(
            f"on host {self.name}: wanted to signal process {pid} of start time {start}; "
            f"seen: {seen}; cure: aim again"
        )


class LocalHost(Host):
    """This machine."""

    def __init__(self, name: str) -> None:
        self.name = name

    def ask(self, argv: Sequence[str], timeout_s: float, stdin: str) -> Result:
        """As `Host.ask`; the deadline kills everything the command started in its session."""
        try:
            return Result(*finished(argv, timeout_s, stdin))
        except subprocess.TimeoutExpired:
            raise self._failed(argv, f"no end within {timeout_s:g} s, killed") from None
        except FileNotFoundError as error:
            return Result(NOT_FOUND, "", f"{error.filename}: not found")
        except PermissionError as error:
            return Result(NOT_ALLOWED, "", f"{error.filename}: {error.strerror}")

    def signal(self, pid: int, start: int, signal_name: str) -> None:
        """As `Host.signal`, without a gap: the look and the signal go through one pidfd."""
        try:
            signal_exactly(pid, start, signal.Signals[signal_name])
        except ProcessLookupError as error:
            raise self._changed(pid, start, str(error)) from None
        except PermissionError as error:
            cure = "run as root or as the user who owns the process"
            raise self._failed(["kill", f"-{signal_name}", str(pid)], str(error), cure) from None

    def kill_tree(self, pid: int, start: int) -> None:
        """As `Host.kill_tree`; less than a millisecond from the first signal to the last."""
        self.signal(pid, start, "SIGSTOP")
        for child in [*children_of(pid), pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def signal_tree(self, pid: int, start: int, signal_name: str) -> None:
        """As `Host.signal_tree`; the parent is stopped meanwhile, so no child's pid can move on."""
        number = signal.Signals[signal_name]
        if number != signal.SIGCONT:
            self.signal(pid, start, signal_name)
        for child in children_of(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)
        if number == signal.SIGCONT:
            self.signal(pid, start, signal_name)

    def by_hand(self, line: str) -> str:
        """The line as it is."""
        return line

    def processes(self) -> list[Process]:
        """As `Host.processes`, from /proc."""
        return local_processes()


class SshHost(Host):
    """A machine behind ssh, by key only: nobody sits there to type a password.

    Exit code 255 is ssh's own word for "no connection", so a command that ends with it counts as
    not asked.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.name = str(spec["name"])
        self._words = ["ssh", "-T", "-p", str(spec.get("port") or 22)]
        options = [*SSH_OPTIONS]
        if spec.get("known_hosts_file"):
            options.append('UserKnownHostsFile="{}"'.format(spec["known_hosts_file"]))
        if spec.get("identity_file"):
            options.append("IdentitiesOnly=yes")
            self._words += ["-i", str(spec["identity_file"])]
        if spec.get("user"):
            self._words += ["-l", str(spec["user"])]
        for option in options:
            self._words += ["-o", option]
        self._words += ["--", str(spec["address"])]

    def line(self, argv: Sequence[str]) -> list[str]:
        """What runs the words there when it is run here, with no deadline but one in the words."""
        return [*self._words, shlex.join(argv)]

    def not_asked(self, argv: Sequence[str], said: str) -> HostFailed:
        """What to raise when the connection broke, or never was; `said` are ssh's own words."""
        seen = " ".join(said.split()) or f"exit code {SSH_FAILED}"
        return self._failed(argv, seen, next(cure for word, cure in CURES if word in seen))

    def ask(self, argv: Sequence[str], timeout_s: float, stdin: str) -> Result:
        """As `Host.ask`; the deadline holds on the far side too, where `timeout` is installed."""
        line = self.line(["sh", "-c", DEADLINE, f"{timeout_s:g}", *argv])
        begun = time.monotonic()
        try:
            result = Result(*finished(line, timeout_s + CONNECT_TIMEOUT_S + 2, stdin))
        except subprocess.TimeoutExpired:
            raise self._failed(argv, f"no answer within {timeout_s:g} s") from None
        except FileNotFoundError:
            raise self._failed(argv, "no ssh here", "install an OpenSSH client") from None
        if result.code == SSH_FAILED:
            raise self.not_asked(argv, result.err)
        if result.code in TIMEOUT_EXPIRED and time.monotonic() - begun >= timeout_s:
            raise self._failed(argv, f"no end within {timeout_s:g} s, killed")
        return result

    def signal(self, pid: int, start: int, signal_name: str) -> None:
        """As `Host.signal`; looks and signals in one shell, so the gap is microseconds."""
        short = signal.Signals[signal_name].name.removeprefix("SIG")
        self._signalled(SIGNAL, pid, start, short)

    def kill_tree(self, pid: int, start: int) -> None:
        """As `Host.kill_tree`, by one command: each further one would let backends live on."""
        self._signalled(KILL_TREE, pid, start, "KILL")

    def signal_tree(self, pid: int, start: int, signal_name: str) -> None:
        """As `Host.signal_tree`, by one command: one a child would take seconds."""
        short = signal.Signals[signal_name].name.removeprefix("SIG")
        self._signalled(SIGNAL_TREE, pid, start, short)

    def by_hand(self, line: str) -> str:
        """The line within ssh, with the options of the profile but for those nobody needs."""
        known = [one for one in self._words if one.startswith("UserKnownHostsFile")]
        options = [word for one in known for word in ("-o", one)]
        plain = [one for one in self._words[: self._words.index("-o")] if one != "-T"]
        return f"{shlex.join([*plain, *options, '--', self._words[-1]])} {shlex.quote(line)}"

    def _signalled(self, script: str, pid: int, start: int, short: str) -> None:
        words = ["sh", "-c", script, "signal", str(pid), str(start), short]
        result = self.run(words, SHORT_S)
        seen = {GONE: "no such process", OTHER: "another process", ZOMBIE: "a zombie, dead already"}
        if result.code in seen:
            raise self._changed(pid, start, seen[result.code])
        if result.code != 0:
            cure = "connect as root or as the user who owns the process"
            raise self._failed(["kill", f"-{short}", str(pid)], result.err.strip(), cure)

    def processes(self) -> list[Process]:
        """As `Host.processes`, by one command, for a connection costs more than reading all."""
        return listed(self._asked(["sh", "-c", LISTING], shown=["list processes"]).out)


def host(spec: Mapping[str, Any]) -> Host:
    """The host that a profile's table describes; ValueError for a road that is not known."""
    if spec.get("via") == "local":
        return LocalHost(str(spec["name"]))
    if spec.get("via") == "ssh":
        return SshHost(spec)
    raise ValueError(f'host {spec.get("name")!r} has via = {spec.get("via")!r}; use "local", "ssh"')
