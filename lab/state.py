"""What a lab's folder says about it: `state.json`, and the lock that keeps two starters apart."""

import fcntl
import json
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from firemarshal.clock import boot_id, now_us
from firemarshal.lab.problem import LabProblem
from firemarshal.lab.processes import belonging, command_line, is_alive

STATE = "state.json"
WAIT_FOR_OTHERS_S = 180


@dataclass
class Process:
    """One started process; `command` is what it runs after any helper that execs it."""

    name: str
    pid: int
    start: int
    command: list[str]


@dataclass
class State:
    """All that must survive the starter: `phase` is "starting" or "up"; pids hold for one boot."""

    fragment: str
    request: dict[str, Any]
    owner: int
    phase: str = "starting"
    boot: str = field(default_factory=boot_id)
    table: dict[str, Any] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Replace `state.json` as a whole, so that a reader never meets half of one."""
        write_private(folder / STATE, json.dumps(asdict(self), indent=2))

    def alive(self, process: Process) -> bool:
        """True while the recorded process runs, in this boot."""
        return self.boot == boot_id() and is_alive(process.pid, process.start)

    def recorded(self) -> list[tuple[int, int]]:
        """Pid and start time of all recorded processes; none when they are of another boot."""
        same = self.boot == boot_id()
        return [(process.pid, process.start) for process in self.processes if same]

    def adopt(self, folder: Path) -> bool:
        """Take processes that a drill's heal started again in place of the dead ones recorded.

        They carry the lab's mark and the recorded command line. True when something changed.
        """
        dead = [process for process in self.processes if not self.alive(process)]
        found = (
            {tuple(command_line(pid)): (pid, start) for pid, start in belonging(folder).items()}
            if dead
            else {}
        )
        changed = False
        for process in dead:
            if tuple(process.command) in found and self.boot == boot_id():
                process.pid, process.start = found[tuple(process.command)]
                changed = True
        return changed


def read_state(folder: Path) -> State | None:
    """The state of the lab in `folder`, None when there is none, or one of another version.

    A lab without a readable state is still found by its mark, and removed.
    """
    path = folder / STATE
    try:
        raw = json.loads(path.read_text())
        raw["processes"] = [Process(**process) for process in raw["processes"]]
        return State(**raw)
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError):
        return None


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step."""
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    new.rename(path)


@contextmanager
def held(folder: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Make the folder if need be and hold it against other starters.

    The lock is on the folder itself, so that none is left when it is removed; whoever gets a lock
    on a folder removed meanwhile tries again. Raises LabProblem when another holds it too long.
    """
    end_us = now_us() + WAIT_FOR_OTHERS_S * 1_000_000
    told = False
    while True:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            if _lock(descriptor) and _is_still(folder, descriptor):
                yield
                return
        finally:
            os.close(descriptor)
        if not told:
            report(f"lab {folder.name}: another process is at work on it; waiting")
            told = True
        if now_us() > end_us:
            raise LabProblem(
                f"take hold of the lab in {folder}",
                f"another process has held it for {WAIT_FOR_OTHERS_S} s",
                f"end that process; `fuser {folder}` names it",
            )
        time.sleep(0.02)


def is_foreign(folder: Path) -> bool:
    """True when the folder holds things, but none that a lab made: it must not be emptied."""
    paths = list(folder.iterdir())
    return bool(paths) and not any(path.name.startswith(STATE) for path in paths)


def empty(folder: Path) -> list[str]:
    """Remove all in the folder, `state.json` last so that a killed removal can be found again.

    Returns what still stands.
    """
    standing: list[str] = []

    def note(_: object, path: str, error: BaseException) -> None:
        standing.append(f"{path} cannot be removed: {error}")

    for path in sorted(folder.iterdir(), key=lambda path: path.name.startswith(STATE)):
        if path.is_dir() and not path.is_symlink():
            _open_up(path)
            shutil.rmtree(path, onerror=lambda f, p, info: note(f, p, info[1]))
        elif not standing or not path.name.startswith(STATE):
            try:
                path.unlink()
            except OSError as error:
                note(None, str(path), error)
    return standing


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(folder.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _open_up(folder: Path) -> None:
    """A drill may have left folders without write permission; their owner can take them back."""
    for root, folders, _ in os.walk(folder):
        for path in [Path(root), *(Path(root) / name for name in folders)]:
            if not path.is_symlink() and not path.stat().st_mode & stat.S_IWUSR:
                path.chmod(0o700)
