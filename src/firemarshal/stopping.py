"""Stopping from any terminal: an order beside the undo files, heard by keepers and runners."""

import fcntl
import getpass
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from firemarshal.bad_input import BadInput
from firemarshal.clock import utc_text
from firemarshal.project import Project
from firemarshal.state import Locked, SystemState

STOP, RUNS = "stop.json", ".runs"
LOOK_EVERY_S = 0.1
Json = dict[str, Any]


def ordered(state: SystemState) -> Json | None:
    """Who wants the drill on this system to end, and why; None while nobody does."""
    return _order(state.folder / STOP)


def run_ordered(state: Path, target: str, run: str) -> Json | None:
    """The same for a whole run: an order may come before its first drill has a lock."""
    return _order(_run_file(state, target, run).with_suffix(".stop"))


def forget(state: SystemState) -> None:
    """An order ends one drill, not the next; must be called with the system's lock held."""
    (state.folder / STOP).unlink(missing_ok=True)


@contextmanager
def run_held(state: Path, target: str, run: str) -> Iterator[Callable[[], Json | None]]:
    """While a run goes on: whether somebody ordered it to end, also between two of its drills."""
    path = _run_file(state, target, run)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield lambda: run_ordered(state, target, run)
        finally:
            path.unlink(missing_ok=True)
            path.with_suffix(".stop").unlink(missing_ok=True)


def stop(
    project: Project, target: str, why: str, within_s: float, say: Callable[[str], None]
) -> list[str]:
    """Order every run and drill on the target to end and wait until it has healed.

    Returns what still stands, or who still drills; raises BadInput when nothing is drilled.
    """
    folder = project.state / target
    names = sorted(one.name for one in folder.glob("*/")) if folder.is_dir() else []
    states = [SystemState(project.state, target, name) for name in names]
    drilled = {one.system: one for one in states if _holder(one)}
    runs = [one for one in (project.state / RUNS).glob(f"{target}--*.run") if _is_held(one)]
    if not (drilled or runs):
        raise BadInput(
            f"no drill runs on target {target!r}",
            where="stop",
            cure="is this the folder that it runs from? `firemarshal status` says what stands",
        )
    order = orjson.dumps({"by": _who(), "why": why or "no reason given", "utc": utc_text()})
    for path in [one.with_suffix(".stop") for one in runs]:
        _write(path, order)
    for name, state in drilled.items():
        _write(state.folder / STOP, order)
        say(f"{name}: ordered to stop; it heals first")
    return _wait(drilled, runs, within_s, say)


def _wait(
    drilled: dict[str, SystemState], runs: list[Path], within_s: float, say: Callable[[str], None]
) -> list[str]:
    until = time.monotonic() + within_s
    left = dict(drilled)
    while (left or any(map(_is_held, runs))) and time.monotonic() < until:
        time.sleep(LOOK_EVERY_S)
        for name in [name for name, state in left.items() if not _holder(state)]:
            stands = [str(one.value["fault"]) for one in left.pop(name).readable()]
            say(f"{name}: " + (f"NOT CLEAN: {', '.join(stands)}" if stands else "ended, healed"))
    still = [f"{name}: {_holder(state)}" for name, state in left.items()]
    still += [f"run {one.stem.partition('--')[2]} goes on" for one in runs if _is_held(one)]
    for one in still:
        say(one)
    stands = [f"{n}: {u.value['fault']}" for n, s in drilled.items() for u in s.readable()]
    return still + stands


def _run_file(state: Path, target: str, run: str) -> Path:
    return state / RUNS / f"{target}--{run}.run"


def _order(path: Path) -> Json | None:
    """An order that cannot be read is one all the same: somebody wanted it to end."""
    if not path.exists():
        return None
    found: Any = None
    try:
        found = orjson.loads(path.read_bytes())
        return {"by": str(found["by"]), "why": str(found["why"])}
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return {"by": "somebody", "why": f"an order that cannot be read, {path.name}"}


def _write(path: Path, data: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.replace(path)


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _holder(state: SystemState) -> str:
    try:
        with state.lock({}):
            return ""
    except Locked as locked:
        return str(locked)


def _who() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return f"{os.getuid()}@{socket.gethostname()}"  # an account without a name
