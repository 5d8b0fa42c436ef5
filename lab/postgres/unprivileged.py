"""How to run PostgreSQL, which refuses root, when we are root: found by trying, never assumed."""

import os
import subprocess
from pathlib import Path

from firemarshal.lab.problem import LabProblem

NOBODY = 65534
NAMESPACE = ("unshare", "-U", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")
CHECK = 'test "$(id -u)" != 0 && test -w "$0" && test -x "$1" && test -x "$2"'


def prefix(folder: Path, *programs: str) -> tuple[str, ...]:
    """What to put before a command: nothing for an ordinary user, as root a way out of root.

    First a user namespace: outside it the process is still root's, so that files and venv under
    /root can be used. Where namespaces are blocked, the user nobody, who then owns `folder`.
    """
    if os.geteuid() != 0:
        return ()
    if _works(NAMESPACE, folder, programs):
        return NAMESPACE
    os.chown(folder, NOBODY, NOBODY)
    if _works(AS_NOBODY, folder, programs):
        return AS_NOBODY
    raise LabProblem(
        "run PostgreSQL, which refuses root, as another user",
        "neither a user namespace (unshare -U) nor the user nobody (setpriv) can run "
        f"{programs[0]} and write to {folder}",
        "run as an ordinary user, or keep project and environment where everybody may read them",
    )


def _works(prefix: tuple[str, ...], folder: Path, programs: tuple[str, ...]) -> bool:
    try:
        done = subprocess.run(
            [*prefix, "sh", "-c", CHECK, str(folder), *programs],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
