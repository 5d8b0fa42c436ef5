"""Durations as plans and features write them: "5 minutes", "1 h 30 min", "7 days", "250 ms"."""

import re

from firemarshal import clock

ALLOWED = '"5 minutes", "90 s", "1 h 30 min", "250 ms", "2 days", "1 week" or "0"'
MOST_US = 2**53
UNITS: dict[str, tuple[int, tuple[str, ...]]] = {
    "week": (604_800_000_000, ("w", "week", "weeks", "주")),
    "day": (86_400_000_000, ("d", "day", "days", "일")),
    "hour": (3_600_000_000, ("h", "hour", "hours", "시간")),
    "minute": (60_000_000, ("min", "mins", "minute", "minutes", "분")),
    "second": (1_000_000, ("s", "sec", "secs", "second", "seconds", "초")),
    "millisecond": (1_000, ("ms", "millisecond", "milliseconds", "밀리초")),
}
_US_OF_WORD = {word: us for us, words in UNITS.values() for word in words}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([^\W\d_]+)\s*")


def microseconds(text: str) -> int:
    """A duration in whole microseconds, the unit of every limit; ValueError says what is allowed.

    Units must fall ("1 h 30 min"): "30 min 1 h" is more likely a slip than a sum.
    """
    said = text.strip().lower()
    if said == "0":
        return 0
    total, end, unit_before = 0, 0, MOST_US
    while end < len(said):
        part = _PART.match(said, end)
        unit = _US_OF_WORD.get(part[2], 0) if part else 0
        if part is None or not unit or unit >= unit_before:
            raise ValueError(f"{text!r} is not a duration, write {ALLOWED}")
        total += round(float(part[1]) * unit)
        end, unit_before = part.end(), unit
    if not said or total >= MOST_US:
        raise ValueError(f"{text!r} is not a duration that can be measured, write {ALLOWED}")
    return total


def parse(text: str) -> float:
    """A duration in seconds; ValueError says what is allowed."""
    return microseconds(text) / 1_000_000


def text(seconds: float) -> str:
    """Seconds as a plan would write them ("5 min", "7 d"); fractions as `clock.seconds_text`.

    `parse` reads it back; only fractions of durations over 10 s are rounded.
    """
    us = round(seconds * 1_000_000)
    if us % 1_000_000:
        return clock.seconds_text(us)
    days, day_rest = divmod(us, 86_400_000_000)
    if days > 1 and not day_rest:
        return f"{days} d"
    return clock.seconds_text(us) if us >= 60_000_000 else f"{us // 1_000_000} s"
