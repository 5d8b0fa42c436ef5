"""Processes as /proc tells them, here or as text from another machine.

A process is its pid and start time together: a pid alone is given out again, and a signal to the
successor would prove nothing.
"""

import os
import signal
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

STATS = "grep -asH '' /proc/[0-9]*/stat"
LISTING = f"{STATS}; printf '\\0'; grep -aszH '' /proc/[0-9]*/cmdline; printf '\\0'; {STATS}; :"


@dataclass(frozen=True)
class Process:
    """One process; `start` in clock ticks since boot (field 22 of stat), state "Z" is a zombie."""

    pid: int
    parent: int
    start: int
    state: str
    name: str
    arguments: tuple[str, ...]


def process(stat: str, arguments: tuple[str, ...] = ()) -> Process:
    """Read a line of `/proc/PID/stat`; the name stands in brackets and may itself hold brackets."""
    head, _, tail = stat.rpartition(")")
    pid, _, name = head.partition(" (")
    fields = tail.split()
    return Process(int(pid), int(fields[1]), int(fields[19]), fields[0], name, arguments)


def listed(text: str) -> list[Process]:
    """Read what `LISTING` printed: stats, then each argument with its path, then stats again.

    Only what stood in both stats is told, as a pid may have been given out again in between.
    """
    first, *parts, last = text.split("\0")
    arguments: dict[str, list[str]] = {}
    for part in parts:
        path, _, argument = part.partition(":")
        arguments.setdefault(path.removesuffix("cmdline"), []).append(argument)
    again = {(found.pid, found.start) for _, found in _stats(last)}
    return [
        process(line, tuple(arguments.get(folder, ())))
        for (folder, line), found in _stats(first)
        if (found.pid, found.start) in again
    ]


def _stats(text: str) -> Iterable[tuple[tuple[str, str], Process]]:
    for said in text.splitlines():
        path, _, line = said.partition(":")
        if line:
            yield (path.removesuffix("stat"), line), process(line)


def local_processes() -> list[Process]:
    """All processes of this machine now; those that end while being read are left out."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            before = _stat(int(folder.name))
            arguments = (folder / "cmdline").read_bytes().decode(errors="replace")
            after = _stat(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if before.start == after.start:
            words = tuple(arguments.removesuffix("\0").split("\0")) if arguments else ()
            found.append(replace(after, arguments=words))
    return sorted(found, key=lambda one: one.pid)


def children_of(pid: int) -> list[int]:
    """The pids of a process's children, from the kernel's own list where it keeps one."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return [one.pid for one in local_processes() if one.parent == pid]


def _stat(pid: int) -> Process:
    return process(Path(f"/proc/{pid}/stat").read_text(errors="replace"))


def signal_exactly(pid: int, start: int, number: signal.Signals) -> None:
    """Signal the process of this pid and start time, and never its successor.

    The pidfd is held from before the look to the signal, so nothing can change in between.
    Raises ProcessLookupError with what was seen instead, PermissionError from the kernel.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        raise ProcessLookupError("no such process") from None
    try:
        seen = _stat(pid)
        if seen.start != start:
            raise ProcessLookupError(f"another process, {seen.name} of start time {seen.start}")
        if seen.state in "ZX":
            raise ProcessLookupError(f"{seen.name} is dead already, a zombie")
        signal.pidfd_send_signal(descriptor, number)
    except FileNotFoundError:
        raise ProcessLookupError("no such process") from None
    finally:
        os.close(descriptor)


def finished(argv: Sequence[str], timeout_s: float, stdin: str) -> tuple[int, str, str]:
    """Run to the end: exit code, output and errors; at the deadline its whole group dies."""
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        process_group=0,  # not a session of its own: a verb's session ends with the verb
    ) as running:
        try:
            out, err = running.communicate(stdin, timeout_s)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            raise
    return running.returncode, out, err
