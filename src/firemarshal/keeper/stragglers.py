"""Verb processes that outlived their keeper: ended before anything is healed."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import orjson


def note_verb(folder: Path, pid: int) -> None:
    """Remember a verb's session; read only by a healer that finds the keeper dead."""
    if folder.is_dir():
        new = folder / "verb.new"
        new.write_bytes(orjson.dumps({"session": pid, "start": start_of(pid)}))
        new.replace(folder / "verb.json")


def forget_verb(folder: Path) -> None:
    """The verb's session has been ended and reaped."""
    (folder / "verb.json").unlink(missing_ok=True)


def end_stragglers(folder: Path) -> list[str]:
    """SIGKILL every process of the last verb's session; returns their command names.

    A session id is a pid and may be reused: only sessions whose leader is the noted process, or
    is gone while members started after it remain, are touched.
    """
    path = folder / "verb.json"
    if not path.exists():
        return []
    noted = orjson.loads(path.read_bytes())
    session, ended = noted["session"], []
    leader = start_of(session)
    if leader is not None and leader != noted["start"]:
        return []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            name, its_session = fields[0], int(fields[1][3])
            if its_session == session:
                with suppress(ProcessLookupError):
                    os.kill(int(entry.name), signal.SIGKILL)
                    ended.append(name)
    path.unlink(missing_ok=True)
    return ended


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
