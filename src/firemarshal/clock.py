"""Time as drills need it: a clock that runs on in suspend, in integer microseconds."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path


def now_us() -> int:
    """Microseconds of CLOCK_BOOTTIME, comparable between processes of one boot only."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def boot_id() -> str:
    """Name of this boot; two clock readings with different boot ids must never be subtracted."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def utc_text() -> str:
    """Wall clock as RFC 3339 text, for people only: durations come from `now_us`."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def later_text(seconds: float) -> str:
    """`utc_text` of that much later: when another machine may take a silent drill for dead."""
    later = datetime.now(UTC) + timedelta(seconds=seconds)
    return later.isoformat(timespec="seconds").replace("+00:00", "Z")


def seconds_text(us: int) -> str:
    """Microseconds as a person reads a duration: milliseconds below 10 s, tenths to a minute."""
    seconds = us / 1_000_000
    if abs(seconds) < 10:
        return f"{seconds:.3f} s"
    if abs(seconds) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{value} {unit}" for value, unit in parts if value)
