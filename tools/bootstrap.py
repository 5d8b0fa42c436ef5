"""Makes `.venv` from a bare checkout: a Python of the machine, a pinned uv, the locked packages.

Runs on any Python 3 as far as its own version check, so keep to syntax that Python 3.6 can read:
no walrus, no `match`, annotations that are not plain names in quotes. Standard library only.
Everything is made below the checkout; pip and uv keep their own caches. Exit code 4 when it
cannot be done, with what was tried, what was seen and the cure.
"""

import errno
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

OLDEST = (3, 11)
UV = "0.13.9"
ROOT = Path(__file__).resolve().parent.parent
BAD_INPUT = 4
TOO_OLD = 79  # bootstrap.sh then tries the next Python
TAIL_LINES = 40

# What a failing pip or uv prints, in the order in which it is looked for, and what helps.
CURES = (
    (
        ("no space left", "disk quota exceeded"),
        "free some space: about 1 GB here, and as much for the caches of pip and uv",
    ),
    (
        ("read-only file system", "permission denied"),
        "use a checkout that this user may write to, and caches too (PIP_CACHE_DIR, UV_CACHE_DIR)",
    ),
    (
        ("certificate",),
        "name the certificates of your network: PIP_CERT for pip, SSL_CERT_FILE for uv, "
        "or UV_SYSTEM_CERTS=1 where the system knows them",
    ),
    (
        (
            *("failed to fetch", "error sending request", "dns error", "name resolution"),
            *("retrying", "connection", "timed out", "no matching distribution"),
            *("failed to download", "network is unreachable", "offline"),
        ),
        "connect to the package index once: HTTPS_PROXY serves pip and uv, PIP_INDEX_URL may name "
        "a mirror for pip, and uv fetches the addresses that stand in uv.lock",
    ),
)


class CannotMake(Exception):
    """The environment cannot be made; carries what was tried, what was seen and the cure."""

    def __init__(self, tried: str, seen: str, cure: str) -> None:
        super().__init__(f"bootstrap: {tried}\n  seen: {seen}\n  cure: {cure}")


def check_version(version: "tuple[int, ...]", executable: str) -> None:
    """Refuse a Python that is too old, before anything newer than Python 3.6 is needed."""
    if version >= OLDEST:
        return
    wanted, seen = ".".join(map(str, OLDEST)), ".".join(map(str, version[:3]))
    raise CannotMake(
        f"looked for Python {wanted} or newer as python3 and python3.14 to python3.11",
        f"{executable} is Python {seen}",
        f"install a newer one (it may stand beside this one), "
        f"or name it: make PYTHON=/path/to/python{wanted}",
    )


def check_venv(can_import: "dict[str, bool]", version: "tuple[int, ...]", executable: str) -> None:
    """Refuse a Python without `venv` or `ensurepip`, as Debian ships it by default."""
    missing = [name for name, there in can_import.items() if not there]
    if not missing:
        return
    short = ".".join(map(str, version[:2]))
    raise CannotMake(
        f"wanted to make a virtual environment with {executable}",
        f"this Python comes without {' and '.join(missing)}",
        f"Debian, Ubuntu: apt-get install python{short}-venv; elsewhere: install a whole Python, "
        f"or name one: make PYTHON=/path/to/python{short}",
    )


def cure_for(output: str) -> str:
    """The advice that fits what pip or uv printed; a general one when nothing is recognised."""
    low = output.lower()
    for signs, cure in CURES:
        if any(sign in low for sign in signs):
            return cure
    return "read its words above; `make clean-all` starts from nothing"


def refused(tried: str, error: OSError) -> CannotMake:
    """The same message for everything the file system refuses."""
    words = {errno.EROFS: "read-only file system", errno.EACCES: "permission denied"}
    words[errno.ENOSPC] = "no space left"
    seen = f"{error.filename or ROOT}: {error.strerror}"
    return CannotMake(tried, seen, cure_for(words.get(error.errno or 0, str(error))))


def base_python() -> str:
    """The interpreter itself; one inside `.venv` would vanish when `.venv` is made anew."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def wanted(root: Path) -> "dict[str, str]":
    """What the environment depends on; it is made again when any of it changes."""
    return {
        "uv": UV,
        "python": platform.python_version(),
        "executable": base_python(),
        "root": str(root),  # scripts in .venv/bin hold absolute paths, so a moved folder is stale
        "lock": hashlib.sha256((root / "uv.lock").read_bytes()).hexdigest(),
        "project": hashlib.sha256((root / "pyproject.toml").read_bytes()).hexdigest(),
    }


def made(root: Path) -> "dict[str, str]":
    """What the present environment was made from; empty when there is none or it is broken."""
    if not os.access(str(root / ".venv/bin/python"), os.X_OK):
        return {}
    try:
        stamp = json.loads((root / ".venv/firemarshal.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def heart(lines: "list[str]") -> str:
    """The line that a person would quote: the last that says error, else the last at all."""
    said = [line.strip() for line in lines if line.strip()] or ["it printed nothing"]
    return [said[-1], *(line for line in said if line.lower().startswith("error"))][-1]


def run(arguments: "list[str]", environment: "dict[str, str]") -> None:
    """Run pip or uv, pass on its lines as they come, and keep the last for the error."""
    tail: list[str] = []
    with subprocess.Popen(
        arguments,
        cwd=str(ROOT),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            tail = [*tail[-TAIL_LINES:], line.rstrip()]
            if not line.startswith((" + ", " - ", " ~ ")):  # uv names every package
                say("    " + line.rstrip())
    if process.returncode:
        command = " ".join(arguments).replace(str(ROOT) + os.sep, "")
        seen = f"exit code {process.returncode}: {heart(tail)}"
        raise CannotMake("ran " + command, seen, cure_for("\n".join(tail)))


def say(text: str) -> None:
    """Progress goes to the error stream at once, so that pipes of the result stay clean."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def make_uv(root: Path, environment: "dict[str, str]") -> Path:
    """The pinned uv in a folder of its own, so that no uv of the machine can decide anything."""
    uv = root / ".tools/uv/bin/uv"
    if uv.exists():
        answer = subprocess.run([str(uv), "--version"], stdout=subprocess.PIPE, text=True)
        if answer.stdout.split()[1:2] == [UV]:
            return uv
    say(f"  installing uv {UV} into .tools (some seconds, once)")
    run([base_python(), "-I", "-m", "venv", "--clear", str(root / ".tools/uv")], environment)
    pip = [str(root / ".tools/uv/bin/python"), "-m", "pip"]
    retries = [] if "PIP_RETRIES" in environment else ["--retries", "2"]
    run(
        [*pip, "--disable-pip-version-check", "install", "--quiet", *retries, f"uv=={UV}"],
        environment,
    )
    return uv


def make(root: Path, need: "dict[str, str]", have: "dict[str, str]") -> None:
    """Make `.venv` agree with `uv.lock`, and say so on disk only when all of it succeeded."""
    say(f"bootstrap: making .venv with Python {need['python']} ({need['executable']})")
    started = time.monotonic()
    environment = {key: text for key, text in os.environ.items() if key != "VIRTUAL_ENV"}
    environment["UV_PYTHON"] = need["executable"]
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    environment["UV_PROJECT_ENVIRONMENT"] = str(root / ".venv")
    stamp = root / ".venv/firemarshal.json"
    if have and any(have.get(key) != need[key] for key in ("root", "executable", "python")):
        say("  the folder was moved or Python changed: starting anew")
        shutil.rmtree(str(root / ".venv"))
    uv = make_uv(root, environment)
    say("  installing the packages of uv.lock into .venv (up to a few minutes, once)")
    run([str(uv), "sync", "--frozen", "--group", "dev", "--directory", str(root)], environment)
    part = stamp.with_suffix(".part")
    part.write_text(json.dumps(need, indent=2) + "\n")
    part.replace(stamp)
    say(f"bootstrap: ready after {time.monotonic() - started:.0f} s")


def locked_make(root: Path) -> None:
    """One bootstrap at a time: a second `make` waits and then finds the work done."""
    (root / ".tools").mkdir(exist_ok=True)
    with (root / ".tools/lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("bootstrap: waiting for another one in this folder")
            fcntl.flock(lock, fcntl.LOCK_EX)
        need, have = wanted(root), made(root)
        if need != have:
            make(root, need, have)


def can_import(names: "tuple[str, ...]") -> "dict[str, bool]":
    """Which of the modules this Python has, without keeping them."""
    from importlib.util import find_spec

    return {name: find_spec(name) is not None for name in names}


def main() -> int:
    """Do nothing, quickly, when nothing changed."""
    if "--silent-if-too-old" in sys.argv and sys.version_info < OLDEST:
        return TOO_OLD
    try:
        check_version(sys.version_info[:3], sys.executable)
        if wanted(ROOT) == made(ROOT):
            return 0
        check_venv(can_import(("venv", "ensurepip")), sys.version_info[:3], base_python())
        locked_make(ROOT)
    except CannotMake as error:
        say(str(error))
        return BAD_INPUT
    except OSError as error:
        say(str(refused(f"wanted to make .venv and .tools in {ROOT}", error)))
        return BAD_INPUT
    except KeyboardInterrupt:
        say("bootstrap: interrupted; `make` goes on where it stopped")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
