"""`make check`: everything that can be told without running the code, one line a check.

All checks run even when one fails, because a person would rather see all findings at once.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
CHECKS = (
    ("style", ("ruff", "check", "--quiet", ".")),
    ("format", ("ruff", "format", "--check", "--quiet", ".")),
    ("types", ("mypy", "--no-error-summary")),
    (
        "types of tools",
        ("mypy", "--no-error-summary", "--strict", "--explicit-package-bases", "tools"),
    ),
    ("doors, through chains", ("lint-imports", "--no-logo", "--no-cache")),
    ("doors", (PYTHON, "tools/doors.py")),
    ("sizes", (PYTHON, "tools/sizes.py")),
)


def main() -> int:
    """Run every check; the output of a check is shown only when it failed."""
    failed = []
    for name, command in CHECKS:
        started = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        verdict = "FAILED" if done.returncode else "ok"
        sys.stdout.write(f"{name:<22} {verdict:<7}{time.monotonic() - started:5.1f} s\n")
        if done.returncode:
            failed.append(name)
            shown = f"$ {' '.join(command)}\n{done.stdout}{done.stderr}".rstrip()
            sys.stdout.write("  " + shown.replace("\n", "\n  ") + "\n")
        sys.stdout.flush()
    if failed:
        sys.stdout.write(f"check FAILED: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
