"""Stopping a drill from any terminal: an order beside the undo files, heard by the keeper."""

import getpass
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson

from firemarshal.bad_input import BadInput
from firemarshal.clock import utc_text
from firemarshal.project import Project
from firemarshal.state import Locked, SystemState

STOP = "stop.json"
LOOK_EVERY_S = 0.1
Json = dict[str, Any]


def ordered(state: SystemState) -> Json | None:
    """Who wants the drill on this system to end, and why; None while nobody does."""
    with suppress(OSError, orjson.JSONDecodeError):
        found: Json = orjson.loads((state.folder / STOP).read_bytes())
        return found
    return None


def forget(state: SystemState) -> None:
    """An order ends one drill, not the next; must be called with the system's lock held."""
    (state.folder / STOP).unlink(missing_ok=True)


def stop(
    project: Project, target: str, why: str, within_s: float, say: Callable[[str], None]
) -> list[str]:
    """Order every drill on the target to end and wait until it has healed.

    Returns what still stands, or who still drills; raises BadInput when nothing is drilled.
    """
    folder = project.state / target
    names = sorted(one.name for one in folder.glob("*/")) if folder.is_dir() else []
    states = [SystemState(project.state, target, name) for name in names]
    drilled = {one.system: one for one in states if _holder(one)}
    if not drilled:
        raise BadInput(
            f"no drill runs on target {target!r}",
            where="stop",
            cure="is this the folder that it runs from? `firemarshal status` says what stands",
        )
    order = {"by": _who(), "why": why or "no reason given", "utc": utc_text()}
    for name, state in drilled.items():
        new = state.folder / "stop.new"
        new.write_bytes(orjson.dumps(order))
        new.replace(state.folder / STOP)
        say(f"{name}: ordered to stop; it heals first")
    return _wait(drilled, within_s, say)


def _wait(
    drilled: dict[str, SystemState], within_s: float, say: Callable[[str], None]
) -> list[str]:
    until = time.monotonic() + within_s
    left = dict(drilled)
    while left and time.monotonic() < until:
        time.sleep(LOOK_EVERY_S)
        for name in [name for name, state in left.items() if not _holder(state)]:
            stands = [str(one.value["fault"]) for one in left.pop(name).readable()]
            say(f"{name}: " + (f"NOT CLEAN: {', '.join(stands)}" if stands else "ended, healed"))
    still = [f"{name}: {_holder(state)}" for name, state in left.items()]
    stands = [f"{n}: {u.value['fault']}" for n, s in drilled.items() for u in s.readable()]
    return still + stands


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
