"""Verb processes that outlived their keeper: ended before anything is healed."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import orjson

from firemarshal.clock import boot_id

SWEEPS = 20


def note_verb(folder: Path, pid: int) -> None:
    """Remember a verb's session; read only by a healer that finds the keeper dead."""
    if folder.is_dir():
        new = folder / "verb.new"
        noted = {"session": pid, "start": start_of(pid), "boot_id": boot_id()}
        with suppress(OSError):  # a full disk must not keep a fault from being healed
            new.write_bytes(orjson.dumps(noted))
            new.replace(folder / "verb.json")


def forget_verb(folder: Path) -> None:
    """The verb's session has been ended and reaped."""
    (folder / "verb.json").unlink(missing_ok=True)


def end_stragglers(folder: Path) -> list[str]:
    """SIGKILL every process of the last verb's session; returns their command names.

    A session id is a pid and may be reused: only processes of this boot that started with or
    after the noted leader are touched, and none when the leader's pid is another process now.
    """
    path = folder / "verb.json"
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


def end_session(session: int, since: int = 0) -> list[str]:
    """SIGKILL a session's processes that started at `since` (clock ticks) or later, to the last.

    Looks again until none is found, because one may fork while it is being killed.
    """
    ended: list[str] = []
    for _ in range(SWEEPS):
        found = [one for one in _members(session) if one[2] >= since]
        if not found:
            break
        for pid, name, _ in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                ended.append(name)
    return list(dict.fromkeys(ended))


def _members(session: int) -> list[tuple[int, str, int]]:
    """(pid, name, start) of the live processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            name, rest = fields
            if int(rest[3]) == session and rest[0] not in "ZX":
                found.append((int(entry.name), name, int(rest[19])))
    return found


def start_of(pid: int) -> int | None:
    """Start time of a process in clock ticks since boot, None when there is none."""
    fields = _stat(pid)
    return int(fields[1][19]) if fields else None


def _stat(pid: int) -> tuple[str, list[str]] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    head, _, tail = text.rpartition(")")
    return head.partition("(")[2], tail.split()
