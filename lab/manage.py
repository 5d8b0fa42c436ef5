"""Bring a lab up, tell how it is, and remove it: the three things anyone does with a lab."""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

from firemarshal.clock import now_us
from firemarshal.lab.problem import LabProblem, cure_for
from firemarshal.lab.processes import belonging, kill_all, send
from firemarshal.lab.starter import Starter
from firemarshal.lab.state import (
    State,
    empty,
    held,
    is_foreign,
    read_state,
    write_private,
)

Report = Callable[[str], None]
ASKED = ("name", "kind", "lab", "options")
TABLE = "system.json"
END_WITHIN_S = 15


class Fragment(Protocol):
    """What the module `firemarshal.lab.<fragment>.fragment` offers; one a kind of system."""

    KIND: str
    OPTIONS: dict[str, type]
    SETTLE_S: float  # how long a lab that runs may take to recover by itself

    def bring_up(self, system: dict[str, Any], starter: Starter) -> dict[str, Any]:
        """Start everything, prove the steady state, return the keys to add to the table."""

    def unready(self, table: dict[str, Any], folder: Path) -> str:
        """Why the lab is not in its steady state now, "" when it is; takes milliseconds."""

    def connect(self, table: dict[str, Any]) -> str:
        """The line to copy to look inside."""

    def before_end(self, folder: Path) -> None:
        """Let servers end in their own way, as far as that keeps things from being left."""

    def after_end(self, folder: Path) -> None:
        """Free what killed servers left outside the folder."""


def lacking(system: dict[str, Any]) -> str:
    """What this machine lacks for this system's options, "" for nothing; touches nothing.

    A fragment says it by `lacking(system)`, where it has such options. Raises LabProblem.
    """
    says: Callable[[dict[str, Any]], str] = getattr(_fragment(system), "lacking", lambda _: "")
    return says(system)


def up(system: dict[str, Any], folder: Path, report: Report) -> dict[str, Any]:
    """Bring the system's fragment up in `folder`, or find it up, and return its profile table.

    Remains of a killed lab are cleaned first, with one line. Raises LabProblem.
    """
    fragment = _fragment(system)
    folder = folder.resolve()
    try:
        with held(folder, report):
            table = _table_if_up(system, folder, fragment, report)
            if table is None:
                _clean(folder, report)
                table = _build(system, folder, fragment, report)
            write_private(folder / TABLE, json.dumps(table, indent=2))
            return table
    except OSError as error:
        raise LabProblem(
            f"bring up the lab {system['name']} in {folder}",
            f"the system refused: {error}",
            cure_for(str(error), "see that the folder can be made and written by this user"),
        ) from error


def down(folder: Path, report: Report) -> list[str]:
    """End every process of the lab in `folder` and remove it; returns what still stands.

    Safe to repeat, on a half-started lab, and after the folder was removed by hand.
    """
    folder = folder.resolve()
    if not folder.exists():
        return _end(folder, None)
    try:
        with held(folder, report):
            if is_foreign(folder):
                return [f"{folder} was not made by a lab (it holds no state.json): not touched"]
            standing = _end(folder, read_state(folder)) or empty(folder)
            if not standing:
                folder.rmdir()
                report(f"lab {folder.name}: removed")
            return standing
    except OSError as error:
        return [f"the lab in {folder} cannot be removed: {error}"]


def status(folder: Path) -> dict[str, Any]:
    """How the lab in `folder` is, without changing it: `{up, system, processes, connect}`.

    `up` means that all its processes run; whether the system is healthy is for probes to say.
    """
    folder = folder.resolve()
    state = read_state(folder)
    if state is None:
        return {"up": False, "system": None, "processes": [], "connect": ""}
    state.adopt(folder)
    processes = [
        {"name": one.name, "pid": one.pid, "start": one.start, "alive": state.alive(one)}
        for one in state.processes
    ]
    written = folder / TABLE
    table = json.loads(written.read_text()) if written.exists() else None
    connect = _module(state.fragment).connect(table) if table else ""
    running = table is not None and all(one["alive"] for one in processes)
    return {
        "up": running,
        "system": table,
        "processes": processes,
        "connect": connect,
    }


def _table_if_up(
    system: dict[str, Any], folder: Path, fragment: Fragment, report: Report
) -> dict[str, Any] | None:
    state = read_state(folder)
    if state is None or state.phase != "up" or state.request != _request(system):
        return None
    if state.adopt(folder):
        state.write(folder)
    if not all(state.alive(process) for process in state.processes):
        return None
    settled = _settles(fragment, state.table, folder, report)
    return {**system, **state.table} if settled else None


def _settles(fragment: Fragment, table: dict[str, Any], folder: Path, report: Report) -> bool:
    """Wait for a lab that still recovers from a drill; making it anew would take as long."""
    end_us = now_us() + int(fragment.SETTLE_S * 1_000_000)
    told = False
    while why := fragment.unready(table, folder):
        if now_us() > end_us:
            return False
        if not told:
            report(f"lab {folder.name}: waiting for it to recover: {why}")
            told = True
        time.sleep(0.05)
    return True


def _build(
    system: dict[str, Any], folder: Path, fragment: Fragment, report: Report
) -> dict[str, Any]:
    state = State(system["lab"], _request(system), os.getpid())
    state.write(folder)
    report(f"lab {system['name']}: starting")
    finished = False
    try:
        state.table = {
            **_request(system),
            **fragment.bring_up(system, Starter(folder, state, report)),
        }
        state.phase = "up"
        state.write(folder)
        finished = True
    finally:
        if not finished:
            standing = _end(folder, state) or empty(folder)
            for line in standing:
                report(f"lab {system['name']}: {line}")
    return {**system, **state.table}


def _clean(folder: Path, report: Report) -> None:
    """Empty the folder of what an earlier lab left; a foreign folder is refused, not emptied."""
    if is_foreign(folder):
        raise LabProblem(
            f"make a lab in {folder}",
            "the folder holds files that no lab made",
            "name another folder, or move those files away",
        )
    state = read_state(folder)
    running = belonging(folder)
    if state is None and not running and not any(folder.iterdir()):
        return
    what = "a lab that was never finished" if state and state.phase != "up" else "an earlier lab"
    report(f"lab {folder.name}: cleaning the remains of {what} ({len(running)} processes)")
    standing = _end(folder, state) or empty(folder)
    if standing:
        raise LabProblem(
            f"clean the remains of an earlier lab in {folder}",
            "; ".join(standing),
            "end and remove these as the user who started them",
        )


def _end(folder: Path, state: State | None) -> list[str]:
    """End all processes; those on record first, because they would start the others again."""
    if state is None:
        return kill_all(folder, (), END_WITHIN_S)
    fragment = _module(state.fragment)
    for pid, start in state.recorded():
        with suppress(PermissionError):  # another user's: kill_all names it
            send(pid, start, signal.SIGKILL)
    fragment.before_end(folder)
    standing = kill_all(folder, state.recorded(), END_WITHIN_S)
    fragment.after_end(folder)
    return standing


def _request(system: dict[str, Any]) -> dict[str, Any]:
    return {key: system[key] for key in ASKED if key in system}


def _fragment(system: dict[str, Any]) -> Fragment:
    """The fragment that the system names, after its kind and options were found right."""
    name, tried = str(system.get("lab", "")), f"bring up the lab of system {system.get('name')!r}"
    known = sorted(path.parent.name for path in Path(__file__).parent.glob("*/fragment.py"))
    if name not in known and not ("." in name and _is_there(name)):
        cure = f"use one of {', '.join(known)}, or name a package that has a fragment.py"
        raise LabProblem(tried, f"there is no fragment {name!r}", cure)
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", str(system.get("name", ""))):
        raise LabProblem(tried, "the name is not one", "use a-z, 0-9 and -, 41 letters at most")
    fragment = _module(name)
    if system.get("kind") != fragment.KIND:
        saw = f"its kind is {system.get('kind')!r}, but the fragment makes {fragment.KIND!r}"
        raise LabProblem(tried, saw, "name a fragment of the system's kind")
    for key, value in system.get("options", {}).items():
        if type(value) is not fragment.OPTIONS.get(key):
            usable = ", ".join(f"{k} ({v.__name__})" for k, v in fragment.OPTIONS.items())
            saw = f"the option {key} = {value!r} is none of the fragment's"
            raise LabProblem(tried, saw, f"the options of {name} are: {usable or 'none'}")
    return fragment


def _module(name: str) -> Fragment:
    """A fragment of ours by its name; a stranger's by its package, which has a dot in it."""
    package = name if "." in name else f"firemarshal.lab.{name}"
    return cast(Fragment, import_module(f"{package}.fragment"))


def _is_there(package: str) -> bool:
    try:
        return find_spec(f"{package}.fragment") is not None
    except ImportError:  # a parent that is not there, or a name that begins with a dot
        return False
