"""Processes of verbs, commands and questions: ended with all they started, whoever died."""

import ctypes
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from firemarshal.clock import boot_id

SWEEPS = 20
PR_SET_CHILD_SUBREAPER = 36
SENTINEL_NOTE = "sentinel"
NOTES = ("verb", SENTINEL_NOTE)


class Found(NamedTuple):
    """A process as /proc tells it; `start` in clock ticks since boot, `name` cut to 15 letters."""

    pid: int
    name: str
    state: str
    parent: int
    session: int
    start: int

    @property
    def lives(self) -> bool:
        """Whether it can still do something."""
        return self.state not in "ZX"


def note_verb(folder: Path, pid: int, name: str = "verb") -> None:
    """Remember a session; read only by somebody who finds the keeper dead."""
    if folder.is_dir():
        new = folder / f"{name}.new"
        noted = {"session": pid, "start": start_of(pid), "boot_id": boot_id()}
        with suppress(OSError):  # a full disk must not keep a fault from being healed
            new.write_bytes(orjson.dumps(noted))
            new.replace(folder / f"{name}.json")


def forget_verb(folder: Path, name: str = "verb") -> None:
    """The session has been ended and reaped."""
    (folder / f"{name}.json").unlink(missing_ok=True)


def noted(folder: Path) -> bool:
    """Whether a session is noted that nobody has ended: of a keeper at work, or of a dead one."""
    return any((folder / f"{note}.json").exists() for note in NOTES)


def end_stragglers(folder: Path) -> list[str]:
    """SIGKILL what a dead keeper's last verb and its sentinel left; returns their command names.

    A session id is a pid and may be reused: only processes of this boot that started with or
    after the noted leader are touched, and none when the leader's pid is another process now.
    """
    return [name for note in NOTES for name in _end_noted(folder / f"{note}.json")]


def _end_noted(path: Path) -> list[str]:
    if not path.exists():
        return []
    try:
        noted = orjson.loads(path.read_bytes())
        session, start, boot = noted["session"], noted["start"], noted["boot_id"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        path.unlink(missing_ok=True)
        return []
    ended: list[str] = []
    if boot == boot_id() and start_of(session) in (None, start):
        ended = end_session(session, start or 0)
    path.unlink(missing_ok=True)
    return ended


def end_session(leader: int, since: int = 0) -> list[str]:
    """SIGKILL a session and what it started, of `since` (clock ticks) or later; the leader last.

    The leader is stopped first, so that it starts nothing more and stays the one to whom what
    loses its parent belongs, where it is a subreaper. A dead one is fine: its session is found.
    """
    _signal(leader, signal.SIGSTOP, since)
    ended = _sweep(lambda: [one for one in _of_session(leader) if one.start >= since])
    return ended + _signal(leader, signal.SIGKILL, since)


def end_started(pid: int, since: int = 0) -> list[str]:
    """SIGKILL everything a process started, whatever session it is in, but not the process."""
    return _sweep(lambda: started_by(pid, since))


def started_by(pid: int, since: int = 0) -> list[Found]:
    """What lives of all that a process started at `since` (clock ticks) or later.

    What lost its parent is found only where the process is a `subreaper`.
    """
    found = everything()
    below = _below({pid}, found)
    return [one for one in found if one.pid in below and one.start >= since and one.lives]


def subreaper() -> None:
    """Keep everything that this process starts its own, also what goes to the background."""
    libc: Any = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)


def _sweep(find: Callable[[], list[Found]]) -> list[str]:
    """Looks again until none is found, because one may fork while it is being killed."""
    ended: list[str] = []
    for _ in range(SWEEPS):
        if not (found := find()):
            break
        for one in found:
            with suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)
                ended.append(one.name)
    return list(dict.fromkeys(ended))


def _signal(pid: int, number: signal.Signals, since: int) -> list[str]:
    """The name of the process when it lived, is not younger than it may be, and was signalled."""
    found = look(pid)
    if not found or not found.lives or found.start < since:
        return []
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return [found.name]
    return []


def _of_session(leader: int) -> list[Found]:
    """What lives of a session and of everything below it, but for the leader."""
    found = everything()
    own = {one.pid for one in found if one.session == leader} | {leader}
    mine = (own | _below(own, found)) - {leader, os.getpid()}
    return [one for one in found if one.pid in mine and one.lives]


def _below(pids: set[int], found: list[Found]) -> set[int]:
    below: set[int] = set()
    while new := {one.pid for one in found if one.parent in pids | below} - below - pids:
        below |= new
    return below


def everything() -> list[Found]:
    """Every process now; those that end while being read are left out."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [found for pid in pids if (found := look(pid))]


def start_of(pid: int) -> int | None:
    """Start time of a process in clock ticks since boot, None when there is none."""
    found = look(pid)
    return found.start if found else None


def look(pid: int) -> Found | None:
    """The process, None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    head, _, tail = text.rpartition(")")
    rest = tail.split()
    name = head.partition("(")[2]
    return Found(pid, name, rest[0], int(rest[1]), int(rest[3]), int(rest[19]))
