"""What must outlive every process of ours: undo files and the lock of a system."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from firemarshal.bad_input import BadInput

Json = dict[str, Any]
UNDO_KEYS = ("fault", "module", "lasts", "victims", "configuration", "system", "at_us", "folder")
MADE_KEYS = ("module", "configuration")


class Locked(Exception):
    """Another drill holds the system; the text says who."""


@dataclass(frozen=True)
class Undo:
    """One thing to take back, on disk before it is done; `order` counts within the drill."""

    path: Path
    value: Json

    @property
    def shell(self) -> list[str]:
        """The plain lines that undo it where no firemarshal is at hand."""
        return [line for victim in self.value["victims"] if (line := victim.get("undo"))]


class SystemState:
    """The folder of one system of one target: `<state>/<target>/<system>/`."""

    def __init__(self, state: Path, target: str, system: str) -> None:
        self.target, self.system = target, system
        self.folder = state / target / system

    def write_undo(self, order: int, value: Json) -> Undo:
        """Put the undo on disk and wait for it; only then may the harm be done."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{value['drill_id']}-{order:02d}.undo.json"
        _write(path, value)
        return Undo(path, value)

    def restore(self, undo: Undo) -> None:
        """Write an undo again that somebody deleted while its fault stood."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(undo.path, undo.value)

    def pending(self) -> list[Undo]:
        """What still has to be undone, newest first: healing runs in reverse."""
        found = [Undo(path, _read(path)) for path in self.folder.glob("*.undo.json")]
        return _newest_first(found)

    def damaged(self) -> list[str]:
        """What cannot be read of undo files and notes of what was made, each with its cure."""
        found = []
        for path in sorted(self.folder.glob("*.json")):
            if path.name.endswith((".undo.json", ".made.json")):
                try:
                    _read(path)
                except BadInput as problem:
                    found.append(problem.message)
        return found

    def readable(self) -> list[Undo]:
        """As `pending`, without what is damaged: for healing what can be healed."""
        found = [_undo(path) for path in self.folder.glob("*.undo.json")]
        return _newest_first([undo for undo in found if undo])

    def notes(self) -> list[tuple[Path, Json]]:
        """Every undo file and note of what was made, with the configuration it was written for."""
        paths = [*self.folder.glob("*.undo.json"), *self.folder.glob("*.made.json")]
        found = []
        for path in sorted(paths):
            with suppress(BadInput):  # told by `damaged`
                found.append((path, _read(path)["configuration"]))
        return found

    def write_made(self, drill_id: str, value: Json) -> None:
        """Note what a drill is about to make on the target, so that a healer can remove it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self.folder / f"{drill_id}.made.json", value)

    def made(self) -> dict[str, Json]:
        """Drill id -> what it made and did not remove yet."""
        found = {}
        for path in sorted(self.folder.glob("*.made.json")):
            with suppress(BadInput):  # told by `damaged`
                found[path.name.split(".")[0]] = _read(path)
        return found

    def unmade(self, drill_id: str) -> None:
        """Forget what has been removed."""
        (self.folder / f"{drill_id}.made.json").unlink(missing_ok=True)

    def done(self, undo: Undo) -> None:
        """Forget an undo whose healing has been proved."""
        undo.path.unlink(missing_ok=True)
        _sync_folder(self.folder)

    @contextmanager
    def lock(self, holder: Json, wait_s: float = 0) -> Iterator[None]:
        """Hold the system; raises Locked with the holder's name when somebody else does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._acquire(descriptor, wait_s)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, orjson.dumps(holder), 0)
            yield
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)

    def _acquire(self, descriptor: int, wait_s: float) -> None:
        end = time.monotonic() + wait_s
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= end:
                    held = os.pread(descriptor, 4096, 0).decode(errors="replace") or "a process"
                    raise Locked(
                        f"system {self.system!r} of target {self.target!r} is being drilled "
                        f"by {held}"
                    ) from None
                time.sleep(0.05)


def all_pending(state: Path, target: str) -> dict[str, list[Undo]]:
    """System -> what still stands on it, for every system of the target that has something."""
    folders = sorted((state / target).glob("*/")) if (state / target).is_dir() else []
    found = {one.name: SystemState(state, target, one.name).pending() for one in folders}
    return {name: undos for name, undos in found.items() if undos}


def _newest_first(undos: list[Undo]) -> list[Undo]:
    return sorted(undos, key=lambda one: (one.value["at_us"], one.path.name), reverse=True)


def _undo(path: Path) -> Undo | None:
    try:
        return Undo(path, _read(path))
    except BadInput:
        return None  # told by `damaged`


def _read(path: Path) -> Json:
    try:
        value: Json = orjson.loads(path.read_bytes())
        needed = UNDO_KEYS if path.name.endswith(".undo.json") else MADE_KEYS
        if missing := [key for key in needed if key not in value]:
            raise ValueError(f"it has no {', '.join(missing)}")
    except (ValueError, TypeError) as problem:
        raise BadInput(
            f"an undo file is damaged ({problem}), so what stands cannot be told",
            where=str(path),
            cure="read the drill's journal, undo it by hand, then remove this file",
        ) from None
    return value


def _write(path: Path, value: Json) -> None:
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
