"""Attempts as columns with running counts, so that any window of a long drill is two look-ups."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from enum import IntEnum

from firemarshal.ledger import Attempt, Outcome


class State(IntEnum):
    """How an attempt stood at a moment; PENDING is neither good nor bad yet."""

    PENDING = 0
    GOOD = 1
    BAD = 2


def state_of(attempt: Attempt, until_us: int, deadline_us: int) -> State:
    """What was known of an attempt at `until_us`; an intent past its deadline is BAD."""
    if attempt.outcome != Outcome.INTENT and attempt.done_us <= until_us:
        return State.GOOD if attempt.outcome == Outcome.OK else State.BAD
    overdue = max(attempt.scheduled_us, attempt.begun_us) + deadline_us <= until_us
    return State.BAD if overdue else State.PENDING


class Timeline:
    """The attempts of one client in the order of their schedule; ValueError when it ever falls.

    `begun` is the schedule where nothing was begun (shed); `asked` marks the attempts that say
    something about the system: one that was shed, or lost with the recorder, says nothing.
    About 60 bytes an attempt, so that the caller may hand over a generator.
    """

    def __init__(
        self, attempts: Iterable[Attempt], until_us: int, deadline_us: int, slow_us: int
    ) -> None:
        self.scheduled, self.begun, self.done = array("q"), array("q"), array("q")
        self.state, self.asked, self.slow = bytearray(), bytearray(), bytearray()
        self.bads = array("q")
        self._good, self._bad, self._slow = array("q", [0]), array("q", [0]), array("q", [0])
        for one in attempts:
            if self.scheduled and one.scheduled_us < self.scheduled[-1]:
                raise ValueError(f"attempt {one.key} was scheduled before the one that precedes it")
            self._append(one, state_of(one, until_us, deadline_us), slow_us)

    def __len__(self) -> int:
        return len(self.scheduled)

    def _append(self, one: Attempt, state: State, slow_us: int) -> None:
        good = state == State.GOOD
        begun = one.begun_us or one.scheduled_us
        if state == State.BAD:
            self.bads.append(len(self))
        self.scheduled.append(one.scheduled_us)
        self.begun.append(begun)
        self.done.append(one.done_us)
        self.state.append(state)
        self.asked.append(one.outcome not in (Outcome.SHED, Outcome.INTENT))
        self.slow.append(good and one.done_us - begun > slow_us)
        self._good.append(self._good[-1] + good)
        self._bad.append(self._bad[-1] + (state == State.BAD))
        self._slow.append(self._slow[-1] + (good and one.done_us - one.scheduled_us > slow_us))

    def lateness(self, index: int) -> int:
        """How late the recorder itself began this attempt, microseconds."""
        return max(0, self.begun[index] - self.scheduled[index])

    def until(self, at_us: int) -> int:
        """The index of the first attempt scheduled at `at_us` or later; the length if none."""
        return bisect_left(self.scheduled, at_us)

    def counts(self, first: int, end: int) -> tuple[int, int, int]:
        """(good, bad, slow) of the attempts from `first` up to, not including, `end`."""
        return (
            self._good[end] - self._good[first],
            self._bad[end] - self._bad[first],
            self._slow[end] - self._slow[first],
        )

    def next_bad(self, index: int) -> int:
        """The place in `bads` of the first bad attempt at `index` or later."""
        return bisect_left(self.bads, index)
