"""A ledger made small enough to draw: one pass, whatever its length.

A drill of eight hours holds three million attempts; a page shows a thousand columns of them, and
single attempts only where something changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from firemarshal.ledger import HEADER_BYTES, RECORD, RECORD_BYTES, Ledger, Outcome

MOST_POINTS = 3000
NEAR_ATTEMPTS = 150
LATENESS_STEP_US = 50
LATEST_STEP = 20_000
READ_RECORDS = 16_384
NEVER_US = 2**62
OK, FAILED, SHED = int(Outcome.OK), int(Outcome.FAILED), int(Outcome.SHED)
Point = tuple[int, int, int]  # scheduled, latency, outcome
Raw = tuple[int, ...]


@dataclass(slots=True)
class Column:
    """What one pixel column holds: latencies of good answers, and how many came to what end.

    `least_us` says something only where `ok` does.
    """

    least_us: int = NEVER_US
    most_us: int = 0
    ok: int = 0
    failed: int = 0
    unanswered: int = 0
    shed: int = 0

    def add(self, latency_us: int, outcome: int) -> None:
        """Count one attempt; millions come through here, so it is written to be quick."""
        if outcome == OK:
            self.ok += 1
            if latency_us > self.most_us:
                self.most_us = latency_us
            if latency_us < self.least_us:
                self.least_us = latency_us
        elif outcome == FAILED:
            self.failed += 1
        elif outcome == SHED:
            self.shed += 1
        else:
            self.unanswered += 1


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

    def add(self, at_us: int, latency_us: int, outcome: int, around_us: int) -> None:
        """Put one attempt, which must lie within, into its column; maybe also as a point."""
        place = (at_us - self.from_us) * self.width // (self.to_us - self.from_us)
        self.columns[place].add(latency_us, outcome)
        if self.all_points:
            self.points.append((at_us, latency_us, outcome))
            return
        for one in self.near:
            if -around_us <= at_us - one <= around_us:
                self.points.append((at_us, latency_us, outcome))
                return


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
    counts = [0] * len(Outcome)
    late = [0] * (LATEST_STEP + 1)
    most = first_us = last_us = 0
    for _, scheduled, began, _, done, _, _, outcome, *_ in _records(path, begun):
        counts[outcome] += 1
        first_us, last_us = first_us or scheduled, scheduled
        if began:
            late_us = began - scheduled
            if late_us > most:
                most = late_us
            late[min(LATEST_STEP, -(-max(0, late_us) // LATENESS_STEP_US))] += 1
        for window in windows:
            if window.from_us <= scheduled < window.to_us:
                window.add(scheduled, done - scheduled, outcome, NEAR_ATTEMPTS * period_us)
        for stretch in stretches:
            if stretch.from_us <= scheduled < stretch.to_us:
                stretch.total.add(done - scheduled, outcome)
                break  # they do not overlap
    return Client(
        path.name.removesuffix(".ledger"),
        begun,
        closed,
        {Outcome(one).name.lower(): count for one, count in enumerate(counts) if count},
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
            if not whole:
                return
            yield from (raw for raw in RECORD.iter_unpack(data[:whole]) if raw[7])
            left -= whole // RECORD_BYTES


def _p99(late: list[int]) -> int:
    wanted, seen = -(-99 * sum(late) // 100), 0
    for step, count in enumerate(late):
        seen += count
        if seen and seen >= wanted:
            return step
    return 0
