"""How well clients were served, and when they were served again: intervals, never single figures.

Pure functions over the attempts of one client, in the order of their keys. Times are integer
microseconds of CLOCK_BOOTTIME; latency counts from the schedule, so that a stall of the recorder
or of the system hides nothing (no coordinated omission).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from firemarshal.clock import seconds_text
from firemarshal.ledger import Attempt, Outcome
from firemarshal.timeline import State, state_of

WINDOW_US = 5_000_000
FLOOR_US = 50_000
MILLION = 1_000_000
TOLERATED_MILLIONTHS = 5_000
LATENCY_FACTOR = 3
LEAST_ATTEMPTS = 50
LEAST_OK_MILLIONTHS = 990_000


@dataclass(frozen=True)
class Band:
    """What counts as answering: fixed before the fault, printed, and never changed afterwards."""

    least_ok_millionths: int
    p95_us: int
    period_us: int
    deadline_us: int

    def text(self, window_us: int = WINDOW_US) -> str:
        """The rule in one sentence."""
        return (
            f"answering again means: the first answer of the first {seconds_text(window_us)} in "
            f"which at least {percent(self.least_ok_millionths)} of the attempts succeed and 95 % "
            f"of those answer within {seconds_text(self.p95_us)}"
        )

    def holds(self, good: int, bad: int, slow: int) -> bool:
        """Whether a window with these counts lies within the band; an empty one never does."""
        enough = good * MILLION >= self.least_ok_millionths * (good + bad)
        return good > 0 and enough and slow <= good // 20


@dataclass(frozen=True)
class Baseline:
    """How the system answered before the fault; `noisy` is "" or why it cannot be judged by."""

    attempts: int
    ok: int
    shed: int
    p50_us: int
    p95_us: int
    lateness_p99_us: int
    period_us: int
    deadline_us: int
    noisy: str

    @property
    def ok_millionths(self) -> int:
        """The share of attempts that succeeded, rounded down."""
        return self.ok * MILLION // self.attempts if self.attempts else 0

    def band(self, floor_us: int = FLOOR_US) -> Band:
        """What will count as answering; a very fast system is not held to less than the floor."""
        return Band(
            least_ok_millionths=max(0, self.ok_millionths - TOLERATED_MILLIONTHS),
            p95_us=max(LATENCY_FACTOR * self.p95_us, floor_us),
            period_us=self.period_us,
            deadline_us=self.deadline_us,
        )


@dataclass(frozen=True)
class Availability:
    """Attempts that succeeded of those that were settled; an even schedule makes it fair."""

    ok: int
    bad: int
    pending: int

    @property
    def ok_millionths(self) -> int | None:
        """The share that succeeded, rounded down; None when nobody looked."""
        settled = self.ok + self.bad
        return self.ok * MILLION // settled if settled else None

    def text(self) -> str:
        """The share with the counts it was made from."""
        if self.ok_millionths is None:
            return "nobody looked"
        return f"{percent(self.ok_millionths)} ({self.ok:,} of {self.ok + self.bad:,} attempts)"


@dataclass(frozen=True)
class WatchState:
    """What the watch loop needs to know now; hand it back to `watch_state` the next time.

    `calm`: answering, and no bad attempt within the newest window. `since_key`: the first attempt
    that the next look needs, so that a look costs the same in the eighth hour as in the first.
    """

    answering: bool
    calm: bool
    down_since_us: int | None
    since_key: int


def percent(millionths: int) -> str:
    """A share as people write it, with as many decimals as it has."""
    return f"{millionths / 10_000:.4f}".rstrip("0").rstrip(".") + " %"


def percentile(values: Sequence[int], hundredths: int) -> int:
    """The nearest-rank percentile: a value that was really measured; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * hundredths // 100) - 1)] if ordered else 0


def baseline(attempts: Iterable[Attempt], from_us: int, to_us: int, deadline_us: int) -> Baseline:
    """How the attempts scheduled in [from, to) were answered; those under way are left out."""
    told = [
        (one, state)
        for one in attempts
        if from_us <= one.scheduled_us < to_us
        and (state := state_of(one, to_us, deadline_us)) != State.PENDING
    ]
    good = [one.done_us - one.scheduled_us for one, state in told if state == State.GOOD]
    late = [max(0, one.begun_us - one.scheduled_us) for one, _ in told if one.begun_us]
    starts = [one.scheduled_us for one, _ in told]
    found = Baseline(
        attempts=len(told),
        ok=len(good),
        shed=sum(one.outcome == Outcome.SHED for one, _ in told),
        p50_us=percentile(good, 50),
        p95_us=percentile(good, 95),
        lateness_p99_us=percentile(late, 99),
        period_us=(starts[-1] - starts[0]) // (len(starts) - 1) if len(starts) > 1 else 0,
        deadline_us=deadline_us,
        noisy="",
    )
    return Baseline(**{**vars(found), "noisy": _noise(found)})


def availability(
    attempts: Iterable[Attempt], from_us: int, to_us: int, deadline_us: int
) -> Availability:
    """The share of the attempts scheduled in [from, to) that succeeded, as known at `to`."""
    counts = [0, 0, 0]
    for one in attempts:
        if from_us <= one.scheduled_us < to_us:
            counts[state_of(one, to_us, deadline_us)] += 1
    return Availability(counts[State.GOOD], counts[State.BAD], counts[State.PENDING])


def _noise(found: Baseline) -> str:
    if found.attempts < LEAST_ATTEMPTS:
        return f"only {found.attempts} attempts, {LEAST_ATTEMPTS} are needed"
    if found.shed:
        return f"the recorder shed {found.shed} attempts: the rate is too high for it"
    if found.ok_millionths < LEAST_OK_MILLIONTHS:
        return (
            f"only {percent(found.ok_millionths)} of {found.attempts} attempts succeeded, "
            f"{percent(LEAST_OK_MILLIONTHS)} are needed"
        )
    if 2 * found.p95_us > found.deadline_us:
        return (
            f"p95 is {seconds_text(found.p95_us)}, more than half of the attempts' deadline of "
            f"{seconds_text(found.deadline_us)}"
        )
    if 5 * found.lateness_p99_us > found.deadline_us:
        return (
            f"the recorder itself is late: p99 is {seconds_text(found.lateness_p99_us)}, more "
            f"than a fifth of the attempts' deadline of {seconds_text(found.deadline_us)}"
        )
    return ""
