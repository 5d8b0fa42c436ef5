"""What goes wrong in a lab for reasons that its user can cure, said in one paragraph."""

from pathlib import Path

LOG_LINES = 8
CURES = (
    ("No space left on device", "free space on the disk that holds the lab's folder"),
    ("Address already in use", "try again: another program took a port that had just been free"),
    ("Permission denied", "give the lab a folder, and an environment, that this user may use"),
    ("No module named", "install the lab extra: pip install 'firemarshal[lab]'"),
    ("could not map anonymous shared memory", "free memory: the lab needs about 200 MB"),
    ("Too many open files", "raise the limit of open files (ulimit -n)"),
)


class LabProblem(Exception):
    """A lab could not be made or removed; the text alone must be enough to cure it.

    `tried` and `saw` are statements, `cure` is what to do, `log` the last lines of a log file.
    """

    def __init__(self, tried: str, saw: str, cure: str, log: str = "") -> None:
        self.tried, self.saw, self.cure, self.log = tried, saw, cure, log
        last = f"; the log ends: {log}" if log else ""
        super().__init__(f"tried to {tried}; saw that {saw}{last}; cure: {cure}")


def last_lines(log: Path, count: int = LOG_LINES) -> str:
    """The end of a log file on one line, "" when there is none, so that nobody must look it up."""
    if not log.exists():
        return ""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    return " | ".join(line[:200] for line in lines[-count:] if line)


def cure_for(text: str, otherwise: str) -> str:
    """The cure of the first known trouble that `text` names, else `otherwise`."""
    return next((cure for sign, cure in CURES if sign in text), otherwise)
