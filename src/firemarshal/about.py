"""Who and what ran a drill: for line 1 of its journal, so that a reader years later knows."""

import getpass
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def about(rootdir: Path) -> Json:
    """Who and what ran this: for line 1 of the journal, without any secret."""
    commit = _git(rootdir, "rev-parse", "HEAD")
    return {
        "operator": getpass.getuser() if os.environ.get("USER") else str(os.getuid()),
        "host": platform.node(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {
            name: version(name) for name in ("firemarshal", "chaostoolkit-lib", "pytest-bdd")
        },
        "commit": commit,
        "dirty": bool(_git(rootdir, "status", "--porcelain")) if commit else None,
        "arguments": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def _git(rootdir: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(rootdir), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
