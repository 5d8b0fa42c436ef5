"""What was lost: acknowledged writes that the survivors do not hold, counted and in seconds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from firemarshal.clock import seconds_text
from firemarshal.ledger import Attempt, Outcome
from firemarshal.verdict import Interval


@dataclass(frozen=True)
class Loss:
    """What a reconciliation found; every figure holds only for the look-back of the ledger.

    `lost_before`, `lost_during` and `lost_after_heal` say when the lost writes had been
    acknowledged; healing can lose writes itself, where it wakes up what had been replaced.
    `late` were acknowledged when the client had given up: no loss to it, but one to a client
    without a deadline. [lower, upper] is the loss in microseconds; `upper_us` is None when
    everything acknowledged before the fault is gone, or nothing could have been lost.
    """

    acknowledged: int
    lost: int
    lost_before: int
    lost_during: int
    lost_after_heal: int
    lower_us: int
    upper_us: int | None
    look_back_us: int
    oldest_lost_us: int | None
    newest_lost_us: int | None
    everything_lost: bool
    in_doubt: int
    in_doubt_present: int
    unexpected: int
    duplicated: int
    late: int = 0
    late_lost: int = 0

    @property
    def count(self) -> Interval:
        """How many acknowledged writes were lost; open when even older ones may be gone."""
        return Interval(self.lost, None if self.open_because else self.lost, "writes")

    @property
    def open_because(self) -> str:
        """Why no upper end can be told, "" when it can."""
        if not self.acknowledged:
            return "nothing was acknowledged, so nothing could be seen to be lost"
        if self.everything_lost:
            return "everything in the look-back is gone"
        return "nothing was acknowledged before the fault" if self.upper_us is None else ""

    def text(self) -> str:
        """The finding with its look-back, which every zero needs as much as every loss."""
        looked = f"looked back {seconds_text(self.look_back_us)}"
        said = f"{self.lost:,} of {self.acknowledged:,} acknowledged writes lost, {looked}"
        if self.lost:
            interval = Interval(self.lower_us, self.upper_us).text(self.open_because)
            said += (
                f": {interval}; {self.lost_before:,} acknowledged before the fault, "
                f"{self.lost_during:,} during, {self.lost_after_heal:,} after our healing began"
            )
        elif self.open_because:
            said += f" ({self.open_because})"
        beside = {
            f"{self.in_doubt:,} in doubt, {self.in_doubt_present:,} of them stored": self.in_doubt,
            f"{self.late:,} acknowledged after the client had given up, {self.late_lost:,} of "
            "them lost": self.late,
            f"{self.unexpected:,} stored though never sent": self.unexpected,
            f"{self.duplicated:,} stored twice": self.duplicated,
        }
        return "; ".join([said, *(text for text, count in beside.items() if count)])


@dataclass
class _Seen:
    """What one pass over the ledger counts; `gone` holds (done, begun) of every lost write."""

    lost_keys: set[int]
    fault_before_us: int
    acknowledged: int = 0
    in_doubt: int = 0
    late: int = 0
    kept_before: int = 0
    oldest_us: int | None = None
    gone: list[tuple[int, int]] = field(default_factory=list)

    def add(self, one: Attempt) -> None:
        self.in_doubt += one.outcome in (Outcome.UNKNOWN, Outcome.INTENT)
        self.late += one.late_us > 0
        if one.outcome != Outcome.OK:
            return
        self.acknowledged += 1
        self.oldest_us = min(one.done_us, self.oldest_us or one.done_us)
        if one.key in self.lost_keys:
            self.gone.append((one.done_us, one.begun_us))
            self.lost_keys.remove(one.key)
        else:
            self.kept_before += one.done_us <= self.fault_before_us


def loss(
    attempts: Iterable[Attempt],
    reconciled: Mapping[str, Any],
    fault_before_us: int,
    fault_after_us: int,
    heal_began_us: int | None = None,
) -> Loss:
    """Hold the whole ledger against what `reconcile` found; the fault struck in [before, after].

    Seconds are max(fault, newest lost) - oldest lost: the stretch of acknowledged work that is
    missing. A write was made somewhere between being begun and being acknowledged, which widens
    the interval. ValueError when `lost` names a write that was never acknowledged.
    """
    seen = _Seen(set(reconciled["lost"]), fault_before_us)
    for one in attempts:
        seen.add(one)
    if seen.lost_keys:
        raise ValueError(
            f"{len(seen.lost_keys)} writes are said to be lost but were never acknowledged, such "
            f"as key {min(seen.lost_keys)}; ledger and reconciliation do not belong together"
        )
    gone = seen.gone
    gone.sort()
    look_back_us = 0 if seen.oldest_us is None else max(0, fault_before_us - seen.oldest_us)
    before = sum(done <= fault_before_us for done, _ in gone)
    after_heal = sum(heal_began_us is not None and done > heal_began_us for done, _ in gone)
    everything = before > 0 and seen.kept_before == 0
    lower_us, upper_us = _seconds(gone, fault_before_us, fault_after_us)
    return Loss(
        acknowledged=seen.acknowledged,
        lost=len(gone),
        lost_before=before,
        lost_during=len(gone) - before - after_heal,
        lost_after_heal=after_heal,
        lower_us=lower_us,
        upper_us=None if everything or not look_back_us else upper_us,
        look_back_us=look_back_us,
        oldest_lost_us=gone[0][0] if gone else None,
        newest_lost_us=gone[-1][0] if gone else None,
        everything_lost=everything,
        in_doubt=seen.in_doubt,
        in_doubt_present=int(reconciled["in_doubt_present"]),
        unexpected=_count(reconciled["unexpected"]),
        duplicated=_count(reconciled.get("duplicated", 0)),
        late=seen.late,
        late_lost=_count(reconciled.get("late_lost", 0)),
    )


def _seconds(
    gone: list[tuple[int, int]], fault_before_us: int, fault_after_us: int
) -> tuple[int, int]:
    """Shortest and longest stretch that the lost writes, as (done, begun), can span."""
    if not gone:
        return 0, 0
    lower = max(fault_before_us, max(begun for _, begun in gone)) - gone[0][0]
    upper = max(fault_after_us, gone[-1][0]) - min(begun for _, begun in gone)
    return max(0, lower), max(0, upper)


def _count(found: Any) -> int:
    return found if isinstance(found, int) else len(found)
