"""Durations are read as people write them, and a slip is refused instead of guessed."""

import pytest

from firemarshal import duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5 minutes", 300),
        ("1 minute", 60),
        ("90 s", 90),
        ("15 min", 900),
        ("4 hours", 14_400),
        ("1 h 30 min", 5_400),
        ("1h30min", 5_400),
        ("1 h 58 min 3 s", 7_083),
        ("250 ms", 0.25),
        ("2.512 s", 2.512),
        ("0.5 h", 1_800),
        ("2 days", 172_800),
        ("7 d", 604_800),
        ("1 week", 604_800),
        ("  5 MIN ", 300),
        ("0", 0),
        ("0 s", 0),
        ("5 분", 300),
        ("1시간 30분", 5_400),
    ],
)
def test_reads_what_plans_write(text: str, seconds: float) -> None:
    assert duration.parse(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "5", "min", "5 minuets", "-5 min", "30 min 1 h", "5 min 5 min", "5 months",
     "5 m", "1,5 h", "5 min,", "1e3 s", "5 min or so", "99999999 d"],
)  # fmt: skip
def test_refuses_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r'write "5 minutes"') as problem:
        duration.parse(text)
    assert repr(text) in str(problem.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (5, "5 s"),
        (2.512, "2.512 s"),
        (0.25, "0.250 s"),
        (90, "1 min 30 s"),
        (300, "5 min"),
        (5_400, "1 h 30 min"),
        (86_400, "24 h"),
        (172_800, "2 d"),
        (604_800, "7 d"),
    ],
)
def test_prints_as_a_plan_would_and_reads_it_back(seconds: float, text: str) -> None:
    assert duration.text(seconds) == text
    assert duration.parse(text) == seconds


def test_microseconds_are_exact() -> None:
    assert duration.microseconds("2.512 s") == 2_512_000
    assert duration.microseconds("15 min") == 900_000_000
