"""Members whose clock can be moved: libfaketime, preloaded, adds what stands in a file to the time.

Only the wall clock: CLOCK_MONOTONIC and CLOCK_BOOTTIME stay true, so that nobody's timeouts move.
"""

import ctypes
import os
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

from firemarshal.lab.postgres.binaries import package_folder

LIBRARY = "vendor/libfaketime/src/libfaketime.so.1"
CURE = "pip install libfaketime (x86-64 only), or leave the option clocks out"
AN_HOUR_S = 3600
SHARED = Path("/dev/shm")
NOTHING_YET = b"\0" * 24 + b"\xff" * 8 + b"\0" * 64  # the library's: no process has begun yet


def library() -> Path | None:
    """The library of the wheel, None when it is not installed.

    Debian's build is not taken: it makes time.sleep of Python fail, and with it Patroni.
    """
    folder = package_folder("libfaketime")
    return folder / LIBRARY if folder and (folder / LIBRARY).exists() else None


def lacking() -> str:
    """Why no clock can be moved on this machine, "" when it can: found by trying; cure: `CURE`."""
    found = library()
    if found is None:
        return "there is no libfaketime in this Python environment"
    environment = {"LD_PRELOAD": str(found), "FAKETIME": f"+{AN_HOUR_S}"}
    said = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    moved = said.returncode == 0 and float(said.stdout) > time.time() + AN_HOUR_S / 2
    return "" if moved else f"libfaketime moves no clock on this machine: {said.stderr.strip()}"


def file_of(folder: Path, name: str) -> Path:
    """Where the offset of a member's clock stands, as "+3600"."""
    return folder / f"{name}.clock"


def preloaded(folder: Path, name: str) -> tuple[str, ...]:
    """What to put before a member's command; its clock is right to begin with."""
    file_of(folder, name).write_text("+0\n")
    shared = f"/{_shared(folder)}"
    return (
        "env",
        f"LD_PRELOAD={library()}",
        f"FAKETIME_TIMESTAMP_FILE={file_of(folder, name)}",
        "FAKETIME_CACHE_DURATION=0",  # the file is read again every second
        "DONT_FAKE_MONOTONIC=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "FAKETIME_FORCE_MONOTONIC_FIX=0",  # else Python's threads spin while they wait
        f"FAKETIME_SHARED={shared} {shared}",
    )


def share(folder: Path) -> tuple[Path, ...]:
    """Make what the library shares between processes, else the first killed one would leave it."""
    name = _shared(folder)
    (SHARED / name).write_bytes(NOTHING_YET)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sem_open.restype = ctypes.c_void_p
    if not libc.sem_open(f"/{name}".encode(), os.O_CREAT, 0o600, 1):
        raise OSError(ctypes.get_errno(), f"sem_open of {name}")
    return _files(folder)


def unshare(folder: Path) -> None:
    """Remove it again. Safe when it was never made."""
    for path in _files(folder):
        path.unlink(missing_ok=True)


def _files(folder: Path) -> tuple[Path, ...]:
    return SHARED / _shared(folder), SHARED / f"sem.{_shared(folder)}"


def _shared(folder: Path) -> str:
    return f"firemarshal-{sha256(str(folder).encode()).hexdigest()[:16]}"
