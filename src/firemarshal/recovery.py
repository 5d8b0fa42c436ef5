"""When a system answered again after a fault, as an interval that holds the truth.

The end is looked for as docs/how-we-measure.md says; what cannot be known widens the interval.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from firemarshal.clock import seconds_text
from firemarshal.ledger import Attempt
from firemarshal.measure import MILLION, Band, WatchState
from firemarshal.timeline import State, Timeline


@dataclass(frozen=True)
class Recovery:
    """The time from the fault until the system answered again, within [lower, upper].

    `upper_us` is None when that was not seen. The other times are moments: of the first bad
    attempt and of the error it gave (for the clock "first customer error"), of the last bad one,
    and the two edges between which the system came back.
    """

    answering: bool
    lower_us: int
    upper_us: int | None
    first_bad_us: int | None
    first_error_us: int | None
    last_bad_us: int | None
    bad: int
    relapses: int
    observed_until_us: int
    not_before_us: int
    not_after_us: int | None
    reason: str

    def since(self, earliest_us: int, latest_us: int) -> tuple[int, int | None]:
        """The same recovery on another clock that started within [earliest, latest]."""
        lower = max(0, self.not_before_us - latest_us)
        upper = None if self.not_after_us is None else max(0, self.not_after_us - earliest_us)
        return lower, upper


@dataclass(frozen=True)
class _Search:
    """The band laid over a timeline; only what was scheduled before `until_us` is looked at."""

    line: Timeline
    band: Band
    window_us: int
    until_us: int

    def end(self, first: int) -> tuple[int | None, int]:
        """The attempt whose answer ended the outage, None if none did, and how many relapses."""
        relapses = 0
        while (found := self._first_good_window(first)) is not None:
            again = self._behind_relapse(found)
            if again is None:
                break
            relapses, first = relapses + 1, again
        return found, relapses

    def _first_good_window(self, first: int) -> int | None:
        line = self.line
        last = line.until(self.until_us - self.window_us + 1)
        for index in range(first, last):
            if line.state[index] == State.GOOD:
                end = line.until(line.scheduled[index] + self.window_us)
                watched = 10 * (end - index) * self.band.period_us >= 9 * self.window_us
                if watched and self.band.holds(*line.counts(index, end)):
                    return index
        return None

    def _behind_relapse(self, found: int) -> int | None:
        """Where to look on after two bad attempts in a row, or a later window with too many."""
        line = self.line
        whole = self.window_us // max(1, self.band.period_us)
        last = line.until(self.until_us)
        for place in range(line.next_bad(found), line.next_bad(last)):
            index = line.bads[place]
            if place + 1 < len(line.bads) and line.bads[place + 1] == index + 1 < last:
                return index + 2
            end = min(last, line.until(line.scheduled[index] + self.window_us))
            good, bad, _ = line.counts(index, end)
            allowed = (MILLION - self.band.least_ok_millionths) * max(whole, good + bad)
            if bad > 1 and bad * MILLION > allowed:
                return index + 1
        return None


def recovery(
    attempts: Iterable[Attempt],
    fault_before_us: int,
    fault_after_us: int,
    band: Band,
    window_us: int,
    until_us: int,
    heal_began_us: int | None = None,
) -> Recovery:
    """When the system answered again, as known at `until_us`; the fault struck in [before, after].

    `heal_began_us` is the start of a healing that nobody promised (the watch gave up): a recovery
    that began only then does not count. A planned end of the fault is not handed over here.
    """
    line = Timeline(
        _of_the_fault(attempts, fault_before_us, until_us),
        *(until_us, band.deadline_us, band.p95_us),
    )
    first = _first_to_count(line, fault_after_us, band.deadline_us)
    end, relapses = _Search(line, band, window_us, until_us).end(first)
    healed = False
    if end is not None and heal_began_us is not None and line.begun[end] >= heal_began_us:
        healed = _Search(line, band, window_us, heal_began_us).end(first)[0] is None
    counted = None if healed else end
    if end is None:
        looked_at = len(line)
    else:
        looked_at = line.until(heal_began_us or 0) if healed else _behind_slow(line, end)
    not_before = _last_evidence(line, looked_at, fault_before_us)
    not_after = None if counted is None else line.done[counted] + line.lateness(counted)
    return Recovery(
        answering=counted is not None,
        lower_us=max(0, not_before - fault_after_us),
        upper_us=None if not_after is None else not_after - fault_before_us,
        first_bad_us=line.begun[line.bads[0]] if line.bads else None,
        first_error_us=_first_error(line, band.deadline_us),
        last_bad_us=line.begun[line.bads[-1]] if line.bads else None,
        bad=len(line.bads),
        relapses=relapses,
        observed_until_us=until_us,
        not_before_us=not_before,
        not_after_us=not_after,
        reason=_reason(line, counted, healed, relapses, window_us, until_us),
    )


def watch_state(
    attempts: Sequence[Attempt],
    fault_before_us: int,
    fault_after_us: int,
    band: Band,
    window_us: int,
    now_us: int,
    earlier: WatchState | None = None,
) -> WatchState:
    """What the watch loop needs now; `attempts` are those from `earlier.since_key` on.

    It looks at the last two windows only: enough to see one whole good window and any relapse.
    """
    now = recovery(attempts, fault_before_us, fault_after_us, band, window_us, now_us)
    oldest_us = now_us - 2 * window_us - band.deadline_us
    keys = (one.key for one in attempts if one.scheduled_us >= oldest_us)
    since_key = next(keys, earlier.since_key if earlier else 1)
    still = earlier.down_since_us if earlier and not earlier.answering else None
    return WatchState(
        answering=now.answering,
        calm=now.answering and (now.last_bad_us is None or now.last_bad_us < now_us - window_us),
        down_since_us=None if now.answering else still or now.first_bad_us,
        since_key=since_key,
    )


def _of_the_fault(
    attempts: Iterable[Attempt], fault_before_us: int, until_us: int
) -> Iterator[Attempt]:
    """Attempts since the fault and those that it struck in flight."""
    for one in attempts:
        in_flight = one.begun_us > 0 and (one.done_us == 0 or one.done_us > fault_before_us)
        if one.scheduled_us < until_us and (one.scheduled_us >= fault_before_us or in_flight):
            yield one


def _first_to_count(line: Timeline, fault_after_us: int, deadline_us: int) -> int:
    """The first attempt that can end the outage: begun after the fault, behind its first harm.

    A single bad attempt within one deadline of the fault is its harm, later it may be noise.
    """
    early = range(line.until(fault_after_us))
    first = next((k + 1 for k in reversed(early) if line.begun[k] < fault_after_us), 0)
    place = line.next_bad(line.until(fault_after_us + deadline_us))
    return max(first, line.bads[place - 1] + 1) if place else first


def _behind_slow(line: Timeline, end: int) -> int:
    """Behind the attempts that hung with the one at `end`: they too began before it was over."""
    index = end
    while index < len(line) and line.slow[index] and line.begun[index] < line.done[end]:
        index += 1
    return index


def _last_evidence(line: Timeline, end: int, otherwise_us: int) -> int:
    """When the last attempt before `end` began that shows the system down or too slow."""
    for index in range(end - 1, -1, -1):
        down = line.state[index] == State.BAD and line.asked[index]
        if down or line.slow[index]:
            return line.begun[index] - line.lateness(index)
    return otherwise_us


def _first_error(line: Timeline, deadline_us: int) -> int | None:
    """When the first customer saw an error; the deadline counts where no answer came at all."""
    return min((line.done[k] or line.begun[k] + deadline_us for k in line.bads), default=None)


def _reason(
    line: Timeline,
    counted: int | None,
    healed: bool,
    relapses: int,
    window_us: int,
    until_us: int,
) -> str:
    if counted is not None:
        if not line.bads:
            return "no failed attempt after the fault"
        return "answering again" + (f", after {relapses} relapses" if relapses else "")
    if healed:
        return "still down when healing began"
    if not len(line):
        return "nothing was attempted after the fault"
    after = line.bads[-1] + 1 if line.bads else 0
    goods = [k for k in range(after, len(line)) if line.state[k] == State.GOOD]
    if not goods:
        return "still down"
    for_us = until_us - line.begun[goods[0]]
    if for_us < window_us:
        return f"not answering long enough ({seconds_text(for_us)} of {seconds_text(window_us)})"
    return "answering, but too slowly, too unevenly or seen too seldom to count"
