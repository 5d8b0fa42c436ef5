"""What killed PostgreSQL servers would leave outside the lab's folder: shared memory."""

import ctypes
import signal
import time
from contextlib import suppress
from pathlib import Path

from firemarshal.clock import now_us
from firemarshal.lab.postgres.clocks import unshare
from firemarshal.lab.processes import belonging, send, start_ticks

REMOVE = 0  # IPC_RMID
QUIT_WITHIN_S = 2.0


def stop_servers(folder: Path) -> None:
    """Ask the servers to end at once (SIGQUIT), because then they free their memory themselves.

    Frozen ones are thawed first. Those that do not end in 2 s are left to be killed.
    """
    running = belonging(folder)
    for pid, start in running.items():
        _send(pid, start, signal.SIGCONT)
    servers = [pid for pid in _pids(folder) if pid in running]
    for pid in servers:
        _send(pid, running[pid], signal.SIGQUIT)
    end_us = now_us() + int(QUIT_WITHIN_S * 1_000_000)
    while now_us() < end_us and any(start_ticks(pid) == running[pid] for pid in servers):
        time.sleep(0.005)


def free_memory(folder: Path) -> None:
    """Remove the System V segments of servers that were killed, found by their postmaster.pid.

    Only where key and number agree with the kernel's list and nobody is attached.
    """
    unshare(folder)
    listed = _segments()
    for file in folder.glob("*/postmaster.pid"):
        lines = file.read_text(errors="replace").splitlines()
        if len(lines) < 7 or len(lines[6].split()) != 2:
            continue
        key, number = (int(word) for word in lines[6].split())
        if listed.get(number) == (key & 0xFFFFFFFF, 0):
            ctypes.CDLL(None, use_errno=True).shmctl(number, REMOVE, None)


def _pids(folder: Path) -> list[int]:
    first = [file.read_text().split("\n", 1)[0] for file in folder.glob("*/postmaster.pid")]
    return [int(line) for line in first if line.strip().isdigit()]


def _segments() -> dict[int, tuple[int, int]]:
    """The kernel's shared memory segments: number to key and count of attached processes."""
    rows = [row.split() for row in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    return {int(row[1]): (int(row[0]) & 0xFFFFFFFF, int(row[6])) for row in rows}


def _send(pid: int, start: int, number: signal.Signals) -> None:
    with suppress(PermissionError):  # another user's: the caller names what still stands
        send(pid, start, number)
