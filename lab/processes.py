"""Which processes belong to a lab, found without trusting anything but /proc, and ended.

A process belongs to the lab in a folder when its environment carries `FIREMARSHAL_LAB=<folder>`;
children inherit that, orphans keep it. PostgreSQL's own children overwrite their environment with
their process title, so they are known by their working directory, which is the data folder.
"""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from firemarshal.clock import now_us

MARK = "FIREMARSHAL_LAB"
WITHOUT_ENVIRONMENT = ("postgres",)


def start_ticks(pid: int) -> int | None:
    """Start time of a process (field 22 of /proc/PID/stat), None when it is gone or a zombie.

    A zombie counts as dead: where process 1 does not reap, one can stay for seconds.
    """
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


def is_alive(pid: int, start: int) -> bool:
    """True while exactly that process runs; a successor with the same number does not count."""
    return start_ticks(pid) == start


def command_line(pid: int) -> list[str]:
    """The arguments a process runs with, [] when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def belonging(folder: Path) -> dict[int, int]:
    """Every live process of the lab in `folder`, as pid and start time; needs no state file."""
    found = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        with suppress(OSError):  # gone meanwhile, or another user's: then it is not ours
            if _is_marked(process, folder) or _is_titled(process, folder):
                start = start_ticks(int(process.name))
                if start is not None:
                    found[int(process.name)] = start
    return found


def send(pid: int, start: int, number: signal.Signals) -> bool:
    """Signal exactly that process; False when it was gone. PermissionError when not allowed."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(pid, start):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def kill_all(folder: Path, recorded: Iterable[tuple[int, int]], timeout_s: float) -> list[str]:
    """Kill all that belongs to the lab until nothing new appears; what still stands, in words.

    Looks again after every round, because a supervisor may have started one more meanwhile.
    """
    known = list(recorded)
    end_us = now_us() + int(timeout_s * 1_000_000)
    while True:
        alive = {pid: start for pid, start in known if is_alive(pid, start)} | belonging(folder)
        refused = {pid for pid, start in alive.items() if not _kill(pid, start)}
        if not alive or now_us() > end_us:
            return [_words(pid, pid in refused) for pid in sorted(alive)]
        time.sleep(0.005)


def _kill(pid: int, start: int) -> bool:
    try:
        send(pid, start, signal.SIGKILL)
    except PermissionError:
        return False
    return True


def _words(pid: int, refused: bool) -> str:
    why = "belongs to another user" if refused else "does not end though it was killed"
    return f"process {pid} ({' '.join(command_line(pid))[:80]}) {why}"


def _is_marked(process: Path, folder: Path) -> bool:
    mark = f"{MARK}={folder}".encode()
    return mark in (process / "environ").read_bytes().split(b"\0") and _same_root(process)


def _is_titled(process: Path, folder: Path) -> bool:
    if (process / "exe").readlink().name not in WITHOUT_ENVIRONMENT:
        return False
    where = str((process / "cwd").readlink()).removesuffix(" (deleted)")
    return Path(where).is_relative_to(folder) and _same_root(process)


def _same_root(process: Path) -> bool:
    """False for a container's process: there the same path is another folder."""
    return (process / "root").samefile("/")
