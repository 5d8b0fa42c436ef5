"""A ledger made small enough to draw: one pass, whatever its length.

A drill of eight hours holds three million attempts; a page shows a thousand columns of them, and
single attempts only where something changed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from firemarshal.ledger import HEADER_BYTES, RECORD, RECORD_BYTES, Ledger, Outcome

MOST_POINTS = 3000
NEAR_ATTEMPTS = 150
LATENESS_STEP_US = 50
READ_RECORDS = 16_384
Point = tuple[int, int, int]  # scheduled, latency, outcome
Raw = tuple[int, ...]


@dataclass(slots=True)
class Column:
    """What one pixel column holds: latencies of good answers, and how many came to what end."""

    least_us: int = 0
    most_us: int = 0
    ok: int = 0
    failed: int = 0
    unanswered: int = 0
    shed: int = 0


@dataclass
class Window:
    """A stretch of time to be drawn; filled by `look`. `near` are moments shown in full."""

    from_us: int
    to_us: int
    width: int
    near: tuple[int, ...] = ()
    columns: list[Column] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    all_points: bool = True


@dataclass
class Stretch:
    """A stretch of the watch with its own counts, for those who read instead of look."""

    name: str
    from_us: int
    to_us: int
    total: Column = field(default_factory=Column)


@dataclass(frozen=True)
class Client:
    """How a recorder did: its attempts by outcome, and how late it was itself.

    `late_p99_us` is rounded up to 50 microseconds; `period_us` is 0 where the rate is not known.
    """

    name: str
    begun: int
    closed: bool
    counts: dict[str, int]
    late_p99_us: int
    late_most_us: int
    period_us: int
    deadline_us: int
    endpoints: tuple[str, ...]
    first_us: int
    last_us: int


def span(path: Path) -> tuple[int, int] | None:
    """When the first and the last attempt were scheduled; None for an empty or broken ledger."""
    try:
        with Ledger(path) as ledger:
            first = next(ledger.attempts(), None)
            last = next(ledger.attempts(max(1, ledger.begun)), None)
    except (OSError, ValueError):
        return None
    return (first.scheduled_us, last.scheduled_us) if first and last else None


def look(path: Path, windows: Sequence[Window], stretches: Sequence[Stretch]) -> Client:
    """Fill windows and stretches from a ledger; ValueError when the file is none."""
    with Ledger(path) as ledger:
        about, begun, closed = ledger.about, ledger.begun, ledger.closed
    period_us = round(1e6 / about["rate_per_s"]) if about.get("rate_per_s") else 0
    for one in windows:
        one.columns = [Column() for _ in range(one.width)]
        one.all_points = one.to_us - one.from_us <= MOST_POINTS * max(1, period_us)
    counts: Counter[int] = Counter()
    late: Counter[int] = Counter()
    most = first_us = last_us = 0
    for raw in _records(path, begun):
        scheduled, began, done, outcome = raw[1], raw[2], raw[4], raw[7]
        first_us, last_us = first_us or scheduled, scheduled
        counts[outcome] += 1
        if began > scheduled:
            late[-(-(began - scheduled) // LATENESS_STEP_US)] += 1
            most = max(most, began - scheduled)
        elif began:
            late[0] += 1
        for window in windows:
            if window.from_us <= scheduled < window.to_us:
                _into(window, scheduled, done - scheduled, outcome, period_us)
        for stretch in stretches:
            if stretch.from_us <= scheduled < stretch.to_us:
                _count(stretch.total, done - scheduled, outcome)
    return Client(
        path.name.removesuffix(".ledger"),
        begun,
        closed,
        {Outcome(one).name.lower(): counts[one] for one in sorted(counts)},
        _p99(late) * LATENESS_STEP_US,
        most,
        period_us,
        round(about.get("attempt_deadline_s", 0) * 1e6),
        tuple(str(one) for one in about.get("endpoints", ())),
        first_us,
        last_us,
    )


def _records(path: Path, begun: int) -> Iterator[Raw]:
    """The records as plain tuples: attempts as objects would take three times as long."""
    with path.open("rb") as file:
        file.seek(HEADER_BYTES)
        left = begun
        while left > 0:
            data = file.read(min(left, READ_RECORDS) * RECORD_BYTES)
            whole = len(data) - len(data) % RECORD_BYTES
            for raw in RECORD.iter_unpack(data[:whole]):
                if raw[7] != Outcome.EMPTY:
                    yield raw
            if not whole:
                return
            left -= whole // RECORD_BYTES


def _into(window: Window, at_us: int, latency_us: int, outcome: int, period_us: int) -> None:
    column = (at_us - window.from_us) * window.width // (window.to_us - window.from_us)
    _count(window.columns[column], latency_us, outcome)
    shown = window.all_points or any(
        abs(at_us - one) <= NEAR_ATTEMPTS * period_us for one in window.near
    )
    if shown:
        window.points.append((at_us, latency_us, outcome))


def _count(column: Column, latency_us: int, outcome: int) -> None:
    if outcome == Outcome.OK:
        column.least_us = min(latency_us, column.least_us) if column.ok else latency_us
        column.most_us = max(latency_us, column.most_us)
        column.ok += 1
    elif outcome == Outcome.FAILED:
        column.failed += 1
    elif outcome == Outcome.SHED:
        column.shed += 1
    else:
        column.unanswered += 1


def _p99(late: Counter[int]) -> int:
    wanted = -(-99 * late.total() // 100)
    seen = 0
    for step in sorted(late):
        seen += late[step]
        if seen >= wanted:
            return step
    return 0
