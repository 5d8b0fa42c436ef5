"""Watching as a client from before the fault until the system is back and calm."""

from typing import Any

from firemarshal.clock import now_us, seconds_text
from firemarshal.drill import Drill
from firemarshal.journal import Journal
from firemarshal.keeper.hands import Injection
from firemarshal.keeper.instrument import Instrument
from firemarshal.keeper.order import Ended, Order
from firemarshal.keeper.waiting import Waiting
from firemarshal.ledger import Attempt, Outcome
from firemarshal.loss import Loss, loss
from firemarshal.measure import Band, WatchState, baseline
from firemarshal.recovery import Recovery, recovery, watch_state

LOOK_EVERY_US = 100_000
SETTLE_EVERY_US = 20_000
TELL_EVERY_US = 500_000
SETTLED = (Outcome.OK, Outcome.FAILED, Outcome.UNKNOWN, Outcome.SHED)
Json = dict[str, Any]


class Watch:
    """The judged client of one system: its baseline, the watch, and what was measured.

    `planned` says that the healing was a planned end of the fault, so that a recovery counts.
    """

    def __init__(
        self, order: Order, journal: Journal, waiting: Waiting, instrument: Instrument
    ) -> None:
        self.order, self.journal, self.waiting = order, journal, waiting
        self.instrument = instrument
        self.window_us = round(instrument.settings["window_s"] * 1e6)
        self.deadline_us = round(instrument.settings["attempt_deadline_s"] * 1e6)
        self.band: Band | None = None
        self.heal_began_us: int | None = None
        self.planned = False
        self.gave_up = False
        self.ended_us = 0
        self._state: WatchState | None = None
        self._newest: list[Attempt] = []
        self._told = ""
        self._told_us, self._told = 0, ""

    def take_baseline(self) -> None:
        """Measure how the system answers before anything is done; raises Ended when it is noisy."""
        from_us = now_us()
        to_us = from_us + round(self.instrument.settings["baseline_s"] * 1e6)
        self._tell("taking the baseline", False, "it ends", to_us)
        self.waiting.pause(to_us)
        while not self._all_answered(to_us) and now_us() < to_us + self.deadline_us:
            self.waiting.pause(now_us() + SETTLE_EVERY_US)
        self._must_live()
        found = baseline(self.instrument.attempts(), from_us, to_us, self.deadline_us)
        self.band = found.band()
        self.journal.note(
            "baseline",
            system=self.instrument.system,
            **{key: value for key, value in vars(found).items() if key != "noisy"},
            noisy=found.noisy,
            rule=self.band.text(self.window_us),
        )
        if found.noisy:
            raise Ended("INVALID", "noisy-baseline", found.noisy)

    def _all_answered(self, until_us: int) -> bool:
        """Whether every attempt of that time has begun, as a later one has, and has ended."""
        attempts = self.instrument.attempts()
        due = [one for one in attempts if one.scheduled_us <= until_us]
        return len(due) < len(attempts) and all(one.outcome in SETTLED for one in due)

    def until_recovered_and_calm(self, drill: Drill, struck: Injection) -> None:
        """Look until the system is back and calm, or for as long as the plan makes sensible."""
        longest_us = self._longest(drill)
        until_us = max(struck.after_us + longest_us, now_us() + 2 * self.window_us)
        shows_us = struck.after_us + _shows_within(drill)
        self.journal.note("watching", until=seconds_text(until_us - struck.after_us))
        while True:
            self._must_live()
            state = self.look(struck)
            if state.calm and now_us() >= shows_us:
                break
            if now_us() >= until_us:
                self.gave_up = True
                break
            self._tell_news(self._state_text(state, struck), "the watch ends", until_us)
            self.waiting.pause(min(now_us() + LOOK_EVERY_US, until_us))
        self.journal.note(
            "watched", answering=state.answering, calm=state.calm, gave_up=self.gave_up
        )

    def while_it_stands(self, struck: Injection, until_us: int) -> None:
        """Tell what clients see until the fault's planned end; decides nothing, keeps nothing."""
        while now_us() < until_us:
            text = self._state_text(self.look(struck), struck)
            self._tell_news(text, "the fault ends", until_us)
            self.waiting.pause(min(now_us() + LOOK_EVERY_US, until_us))
        self._state = None

    def tell_now(self, struck: Injection, ends: str, ends_at_us: int) -> None:
        """Say what clients see now, while something else is waited for."""
        self._tell_news(self._state_text(self.look(struck), struck), ends, ends_at_us)

    def ends_as_planned(self) -> None:
        """The fault ends now, at its planned time: that is part of it, as is what comes of it."""
        self.planned = True

    def heal_begins(self) -> None:
        """From here on a recovery is ours, and so is the loss of what is acknowledged."""
        if not self.planned:
            self.heal_began_us = now_us()

    def look(self, struck: Injection) -> WatchState:
        """One look at the newest attempts."""
        assert self.band is not None
        self._newest = self.instrument.attempts(self._state.since_key if self._state else 1)
        self._state = watch_state(
            self._newest,
            struck.before_us,
            struck.after_us,
            self.band,
            self.window_us,
            now_us(),
            self._state,
        )
        return self._state

    def stay_calm(self, struck: Injection, *, disturbed: bool) -> None:
        """After healing: one calm window more, because healing itself can break things again.

        Not where it found nothing to do: then the calm that ended the watch came after all of it.
        """
        again = disturbed or not self.look(struck).calm
        self.journal.note("calm", again=again)
        if not again:
            self.ended_us = now_us()
            return
        relapse_us = now_us() + self.window_us
        self._tell("watched on after healing", True, "this ends", relapse_us)
        until_us = now_us() + 3 * self.window_us
        self.waiting.pause(now_us() + self.window_us)
        while not self.look(struck).calm and now_us() < until_us:
            self._must_live()
            self.waiting.pause(now_us() + LOOK_EVERY_US)
        self.ended_us = now_us()

    def measured(self, struck: Injection) -> Recovery:
        """The recovery, from the whole ledger."""
        assert self.band is not None
        return recovery(
            self.attempts(),
            struck.before_us,
            struck.after_us,
            self.band,
            self.window_us,
            self.ended_us,
            None if self.planned else self.heal_began_us,
        )

    def lost(self, struck: Injection, reconciled: Json) -> Loss:
        """The loss, from the whole ledger and what the survivors hold."""
        return loss(
            self.attempts(), reconciled, struck.before_us, struck.after_us, self.heal_began_us
        )

    def attempts(self) -> list[Attempt]:
        """Every attempt, in the order of keys."""
        return self.instrument.attempts()

    def _longest(self, drill: Drill) -> int:
        limits = [one.limit for one in drill.promises if one.kind == "rto"]
        beyond_us = round(self.order.target["watch_beyond_s"] * 1e6)
        give_up_us = round(self.order.target["give_up_after_s"] * 1e6)
        longest = max(limits, default=0)
        shown = _shows_within(drill) + 2 * self.window_us
        watched: int = min(max(2 * longest, longest + beyond_us, shown), give_up_us)
        return watched

    def _must_live(self) -> None:
        if not self.instrument.alive:
            raise Ended(
                "INVALID", "recorder-lost", f"the recorder of {self.instrument.system!r} died"
            )

    def _tell_news(self, text: str, ends: str, ends_at_us: int) -> None:
        """Tell what is new at once, and what only goes on now and then."""
        if text == self._told and now_us() - self._told_us <= TELL_EVERY_US:
            return
        changed = text.split(" for ")[0] != self._told.split(" for ")[0]
        self._told_us, self._told = now_us(), text
        self._tell(text, changed, ends, ends_at_us)

    def _tell(self, text: str, changed: bool, ends: str, ends_at_us: int) -> None:
        """`ends` says what ends at that moment, at the latest."""
        self.waiting.tell(
            {
                "tell": "watching",
                "state": text,
                "changed": changed,
                "ends": ends,
                "ends_at_us": ends_at_us,
            }
        )

    def _state_text(self, state: WatchState, struck: Injection) -> str:
        """What clients see now, in words; an answer counts only after it has lasted a window."""
        if state.answering:
            return "answering again" + ("" if state.calm else ", not calm yet")
        if state.down_since_us is None:
            return "no failure seen yet"
        settled = [one for one in self._newest if one.outcome in SETTLED]
        bad_us = max((one.begun_us for one in settled if one.outcome != Outcome.OK), default=0)
        if settled and settled[-1].outcome == Outcome.OK and bad_us:
            return f"answering for {_tenths(now_us() - bad_us)} of {_tenths(self.window_us)}"
        return f"down for {_tenths(now_us() - max(state.down_since_us, struck.before_us))}"


def _shows_within(drill: Drill) -> int:
    """How long the disaster may go unnoticed, in microseconds; conditions start no clock."""
    said = [one.declaration for one in drill.steps]
    faults = [one["fault"] for one in said if one["declares"] == "Disaster"]
    return max((int(drill.faults[one]["shows_within_us"]) for one in faults), default=0)


def _tenths(us: int) -> str:
    return f"{max(0, us) / 1e6:.1f} s"
