"""What this machine can drill and what is missing: looked at in seconds, nothing is changed."""

import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import orjson

from firemarshal import catalogue, state, target
from firemarshal.bad_input import BadInput
from firemarshal.clock import boot_id
from firemarshal.processes import local_processes
from firemarshal.project import Project
from firemarshal.roads import looked_at

ANSWER_S = 2.0
LAB_SYSTEM_BYTES, RUN_BYTES = 500_000_000, 200_000_000
RECORDERS_PRIORITY = 1
Json = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `well` False means that drills on this target need the cure first."""

    what: str
    seen: str
    well: bool = True
    cure: str = ""


def examine(project: Project, target_name: str) -> list[Finding]:
    """Everything that a drill on the target needs from this machine, worst news included.

    A profile that cannot be read is a finding too. Seconds, more where somebody is silent. No
    system is changed: it is only logged in to, as the profile says, and looked at.
    """
    machine = [_python(), _linux(), _clock(), _priority()]
    try:
        profile = project.target(target_name)
    except BadInput as problem:
        cure = problem.cure or "correct the profile; `firemarshal check` compiles features with it"
        seen = BadInput(problem.what, where=problem.where).message
        return [*machine, *_folders(project, 0), Finding("target profile", seen, False, cure)]
    made_here = [one for one in profile.systems if _by_lab(one)]
    own = [one for one in profile.systems if not _by_lab(one)]
    names = ", ".join(one.name for one in profile.systems)
    return [
        *machine,
        *_folders(project, len(made_here)),
        Finding(f"target {profile.name!r}", f"{profile.environment}; systems: {names}"),
        *_armoury(project, profile),
        *_leftovers(project, profile),
        *_lab(project, made_here),
        *(Finding(what, seen, not cure, cure) for what, seen, cure in looked_at(profile.name, own)),
    ]


def _by_lab(system: target.System) -> bool:
    return bool(system.lab) and not getattr(system, "members", ())


# This machine, whatever the target.


def _python() -> Finding:
    seen = f"Python {platform.python_version()}, {sys.executable}"
    well = sys.version_info >= (3, 11)
    return Finding("Python", seen, well, "make the environment with Python 3.11 or newer")


def _linux() -> Finding:
    seen = f"{platform.system()} {platform.release()}"
    cure = "run drills on Linux 5.3 or newer; reports can be read anywhere"
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError) as problem:
        return Finding("Linux", f"{seen}, without pidfd ({problem})", False, cure)
    return Finding("Linux", seen, sys.platform == "linux", cure)


def _clock() -> Finding:
    try:
        return Finding("clock", f"CLOCK_BOOTTIME runs, boot {boot_id()[:8]}")
    except OSError as problem:
        cure = "mount /proc: durations are bound to one boot by its id"
        return Finding("clock", f"the boot has no readable id: {problem}", False, cure)


def _priority() -> Finding:
    """Tried in a child: a doctor that raised its own priority would be part of the trouble."""
    attempt = f"import os; os.sched_setscheduler(0, 1, os.sched_param({RECORDERS_PRIORITY}))"
    done = subprocess.run([sys.executable, "-S", "-c", attempt], capture_output=True, check=False)
    if done.returncode == 0:
        return Finding("recorder's priority", "SCHED_FIFO is allowed")
    seen = "SCHED_FIFO is refused: under load, figures are wider by a few ms; no drill needs it"
    return Finding("recorder's priority", seen)


def _folders(project: Project, lab_systems: int) -> list[Finding]:
    places = (("root", project.rootdir), ("state", project.state), ("runs", project.runs))
    return [
        *(_writable(name, folder) for name, folder in places),
        _space(project.rootdir, RUN_BYTES + lab_systems * LAB_SYSTEM_BYTES),
    ]


def _writable(name: str, folder: Path) -> Finding:
    nearest = next(one for one in (folder, *folder.parents) if one.exists())
    well = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    made = "" if nearest == folder else " (will be made)"
    seen = f"{folder}{made}" if well else f"{nearest} cannot be written to by this user"
    return Finding(f"{name} folder", seen, well, f"run as a user who may write to {nearest}")


def _space(folder: Path, wanted: int) -> Finding:
    free = shutil.disk_usage(folder).free
    seen = f"{free / 1e9:.1f} GB free, {wanted / 1e9:.1f} GB wanted"
    return Finding("space", seen, free >= wanted, f"make room on the disk of {folder}")


# The target, as far as this machine's own files tell.


def _armoury(project: Project, profile: target.Target) -> Iterator[Finding]:
    faults = catalogue.Catalogue(project.packages.faults)
    try:
        kinds = {name: faults.find(name, "faults").facts.kinds for name in faults.names}
    except BadInput as problem:
        yield Finding("faults", problem.message, False, "correct the fault's file")
        return
    for system in profile.systems:
        fitting = sum(system.kind in one for one in kinds.values())
        whence = "made by the lab" if _by_lab(system) else "named by the profile"
        seen = f"{system.kind}, {whence}; {fitting} faults can be injected"
        cure = "write one: docs/add-a-fault.md"
        yield Finding(f"system {system.name!r}", seen, fitting > 0, cure)


def _leftovers(project: Project, profile: target.Target) -> Iterator[Finding]:
    what = "leftovers of drills"
    cure = f"firemarshal heal --target {profile.name}"
    folder = project.state / profile.name
    left = []
    for name in sorted(one.name for one in folder.glob("*/")) if folder.is_dir() else []:
        found = state.SystemState(project.state, profile.name, name)
        for undo in found.pending():
            by_hand = "; ".join(undo.shell)
            left.append(f"{undo.value['fault']} on {name}, since {undo.value['utc']}")
            cure += f"; or by hand: {by_hand}" if by_hand else ""
        left += [f"marker rows of {drill} on {name}" for drill in found.made()]
    if left:
        yield Finding(what, f"a drill runs now, or left: {', '.join(left)}", False, cure)
    else:
        yield Finding(what, "none")


# The embedded lab: asked by the fragment's name, because the kernel knows no room.


def _lab(project: Project, systems: list[target.System]) -> Iterator[Finding]:
    if not systems:
        return
    yield _loopback()
    for fragment in sorted({one.lab for one in systems}):
        yield from _programs(fragment)
    for one in systems:
        if why := _lacking(one):
            yield Finding(f"lab of {one.name!r}", f"its drills will be NOT RUN: {why}")
        yield _lab_folder(project.lab / one.name)


def _lacking(system: target.System) -> str:
    module = f"firemarshal.lab.{system.lab}.fragment"
    found: Any = import_module(module) if target.find_spec_safely(module) else None
    return str(found.lacking(system.model_dump(mode="json"))) if hasattr(found, "lacking") else ""


def _loopback() -> Finding:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), ANSWER_S).close()
    except OSError as problem:
        cure = "let this user listen on 127.0.0.1 (`ip link set lo up` in a bare container)"
        return Finding("loopback", f"no port of 127.0.0.1 can be used: {problem}", False, cure)
    return Finding("loopback", "ports of 127.0.0.1 can be listened on and reached")


def _programs(fragment: str) -> Iterator[Finding]:
    """What the fragment starts; one without `binaries` needs nothing but this Python."""
    place = fragment if "." in fragment else f"firemarshal.lab.{fragment}"
    if "." in fragment or not target.find_spec_safely(f"{place}.binaries"):
        well = target.find_spec_safely(f"{place}.fragment")
        seen = "needs no program" if well else "there is no such fragment"
        yield Finding(f"lab {fragment!r}", seen, well, 'correct `lab = "..."` in the profile')
        return
    binaries = import_module(f"firemarshal.lab.{fragment}.binaries")
    try:
        found = binaries.find()
        programs = [str(found.postgres / "postgres"), str(found.etcd)]
        run = ", ".join(_runs([one, "--version"]) for one in programs)
        yield Finding(f"lab {fragment!r}", f"{run}, patroni {version('patroni')}")
    except (binaries.LabProblem, OSError, subprocess.SubprocessError, PackageNotFoundError) as why:
        cure = "install the lab extra: pip install 'firemarshal[lab]'"
        yield Finding(f"lab {fragment!r}", str(why), False, cure)
        return
    yield _user(fragment, programs)


def _runs(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S, check=True)
    return done.stdout.splitlines()[0]


def _user(fragment: str, programs: list[str]) -> Finding:
    what = f"user of the lab's {fragment}"
    unprivileged = import_module(f"firemarshal.lab.{fragment}.unprivileged")
    with tempfile.TemporaryDirectory(prefix="firemarshal-doctor-") as folder:
        try:
            prefix = unprivileged.prefix(Path(folder), *programs)
        except unprivileged.LabProblem as problem:
            cure = "run as an ordinary user, or allow user namespaces"
            return Finding(what, str(problem), False, cure)
    if not prefix:
        return Finding(what, "this user, who is not root")
    way = "a user namespace" if prefix[0] == "unshare" else "the user nobody"
    return Finding(what, f"root here, so the servers run in {way} ({prefix[0]})")


def _lab_folder(folder: Path) -> Finding:
    """A dead lab is told, not blamed: the next drill cleans it by itself; a foreign folder not."""
    what, written = f"lab folder {folder.name!r}", folder / "state.json"
    if not folder.is_dir() or not any(folder.iterdir()):
        return Finding(what, "down; a drill makes it")
    if not written.exists():
        cure = f"move away what lies in {folder}"
        return Finding(what, f"{folder} holds files that no lab made", False, cure)
    try:
        said = orjson.loads(written.read_bytes())
        noted = {(one["pid"], one["start"]) for one in said["processes"]}
        running = {(one.pid, one.start) for one in local_processes() if one.state not in "ZX"}
        alive = len(noted & running) if said["boot"] == boot_id() else 0
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as problem:
        return Finding(what, f"its state cannot be read ({problem}); the next drill cleans it")
    if said.get("phase") == "up" and alive == len(noted):
        return Finding(what, f"up, {alive} processes run")
    seen = f"{alive} of {len(noted)} processes run: it is starting, or the next drill cleans it"
    return Finding(what, seen)
