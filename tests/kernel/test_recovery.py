"""The interval holds the truth: seeded outages whose real end is known, and the hard cases."""

import random
from dataclasses import replace

import pytest

from firemarshal.ledger import Attempt, Outcome
from firemarshal.measure import Band, WatchState, baseline
from firemarshal.recovery import Recovery, recovery, watch_state

MS = 1_000
S = 1_000_000
DEADLINE = 500 * MS
WINDOW = 5 * S
T0 = 3 * S
LATENCY = 2 * MS


class Client:
    """A recorder on paper: an even schedule, a system that is away during the outages."""

    def __init__(self, rate: int, outages: list[tuple[int, int]], mode: str = "refuse") -> None:
        self.period_us = S // rate
        self.outages, self.mode = outages, mode
        self.rng = random.Random(f"{rate}{outages}{mode}")
        self.late_us = 0

    def run(self, to_us: int) -> list[Attempt]:
        return [
            self.attempt(number + 1, scheduled)
            for number, scheduled in enumerate(range(0, to_us, self.period_us))
        ]

    def attempt(self, key: int, scheduled: int) -> Attempt:
        begun = scheduled + (self.rng.randrange(self.late_us) if self.late_us else 0)
        found = Attempt(key, scheduled, begun, begun, begun + LATENCY, outcome=Outcome.OK)
        for start, end in self.outages:
            if begun < end and begun + LATENCY > start:
                self.strike(found, start, end)
        return found

    def strike(self, found: Attempt, start: int, end: int) -> None:
        begun = found.begun_us
        if self.mode == "refuse":
            found.outcome, found.done_us = Outcome.FAILED, max(begun, start) + 300
        elif self.mode == "hang" and end + LATENCY <= begun + DEADLINE:
            found.done_us = end + LATENCY
        else:
            found.outcome, found.done_us = Outcome.UNKNOWN, begun + DEADLINE


def band_of(found: list[Attempt]) -> Band:
    return baseline(found, 0, T0, DEADLINE).band()


def look(found: list[Attempt], until_us: int, heal_began_us: int | None = None) -> Recovery:
    return recovery(found, T0, T0 + 4 * MS, band_of(found), WINDOW, until_us, heal_began_us)


def after_outage(seconds: float, rate: int = 100, mode: str = "refuse") -> Recovery:
    end = T0 + 1 * MS + round(seconds * S)
    found = Client(rate, [(T0 + 1 * MS, end)], mode).run(end + 7 * S)
    return look(found, end + 7 * S)


@pytest.mark.parametrize("mode", ["refuse", "hang", "drop"])
@pytest.mark.parametrize("rate", [20, 100])
@pytest.mark.parametrize("late_us", [0, 15 * MS])
def test_the_interval_holds_the_truth(mode: str, rate: int, late_us: int) -> None:
    rng = random.Random(f"{mode}{rate}{late_us}")
    for _ in range(12):
        struck = T0 + rng.randrange(4 * MS)
        away = round(0.005 * S * (400 ** rng.random()))
        client = Client(rate, [(struck, struck + away)], mode)
        client.late_us = late_us
        until = struck + away + WINDOW + S
        told = look(client.run(until), until)
        assert told.answering, (away, told)
        assert told.upper_us is not None
        assert told.lower_us <= away <= told.upper_us, (away, told)
        widest = 2 * client.period_us + 2 * late_us + LATENCY + 4 * MS
        assert told.upper_us <= away + widest + (60 * MS if mode == "hang" else 0)


def test_a_clean_outage_is_told_within_a_period_and_the_inject_call() -> None:
    told = after_outage(2)
    assert told.answering
    assert told.reason == "answering again"
    assert told.upper_us is not None
    assert told.upper_us - told.lower_us <= (10 + 2 + 4) * MS
    assert told.bad == 201
    assert told.relapses == 0


def test_no_failed_attempt_means_that_nothing_was_seen_to_be_down() -> None:
    found = Client(100, []).run(T0 + 6 * S)
    told = look(found, T0 + 6 * S)
    assert (told.answering, told.lower_us, told.bad) == (True, 0, 0)
    assert told.reason == "no failed attempt after the fault"
    assert told.upper_us is not None
    assert told.upper_us <= (10 + 10 + 2) * MS
    assert told.first_bad_us is None


def test_attempts_in_flight_belong_to_the_fault() -> None:
    found = Client(100, []).run(T0 + 6 * S)
    struck = found[299]
    struck.outcome, struck.done_us = Outcome.FAILED, T0 + 3 * MS
    told = look(found, T0 + 6 * S)
    assert told.bad == 1
    assert told.first_error_us == T0 + 3 * MS
    assert (told.answering, told.lower_us) == (True, 0)


def test_a_single_failure_right_after_the_fault_is_its_harm() -> None:
    found = Client(100, []).run(T0 + 6 * S)
    found[304].outcome = Outcome.FAILED
    told = look(found, T0 + 6 * S)
    assert told.lower_us == found[304].begun_us - T0 - 4 * MS
    assert told.upper_us == found[305].done_us - T0


def test_a_single_failure_much_later_is_noise() -> None:
    end = T0 + 2 * S
    found = Client(100, [(T0, end)]).run(end + 20 * S)
    found[1500].outcome = Outcome.FAILED
    told = look(found, end + 20 * S)
    assert told.relapses == 0
    assert told.upper_us is not None
    assert told.upper_us < 2_020 * MS


def test_a_single_failure_much_later_is_noise_at_a_low_rate_too() -> None:
    end = T0 + 2 * S
    found = Client(20, [(T0, end)]).run(end + 30 * S)
    found[500].outcome = Outcome.FAILED
    told = look(found, end + 30 * S)
    assert (told.answering, told.relapses) == (True, 0)


def test_two_failures_in_a_row_later_move_the_end_behind_them() -> None:
    end = T0 + 2 * S
    found = Client(100, [(T0, end), (end + 8 * S, end + 8 * S + 25 * MS)]).run(end + 20 * S)
    told = look(found, end + 20 * S)
    assert told.relapses == 1
    assert told.reason == "answering again, after 1 relapses"
    assert told.upper_us is not None
    assert 10 * S < told.lower_us <= 10_025 * MS <= told.upper_us < 10_050 * MS


def test_a_round_of_members_with_one_dead_is_a_relapse_without_two_in_a_row() -> None:
    found = Client(100, [(T0, T0 + S)]).run(T0 + 30 * S)
    for number in range(1500, 1800, 3):
        found[number].outcome = Outcome.FAILED
    told = look(found, T0 + 30 * S)
    assert told.relapses >= 1
    assert told.upper_us is not None
    assert told.upper_us >= found[1780].done_us - T0


def test_a_relapse_that_does_not_end_is_no_recovery() -> None:
    found = Client(100, [(T0, T0 + S), (T0 + 10 * S, T0 + 99 * S)]).run(T0 + 20 * S)
    told = look(found, T0 + 20 * S)
    assert (told.answering, told.upper_us, told.relapses) == (False, None, 1)
    assert told.reason == "still down"
    assert 19_900 * MS < told.lower_us <= 20 * S


def test_still_down_tells_how_long_it_was_seen() -> None:
    found = Client(100, [(T0, T0 + 99 * S)]).run(T0 + 12 * S)
    told = look(found, T0 + 12 * S)
    assert (told.answering, told.upper_us, told.reason) == (False, None, "still down")
    assert 11_950 * MS < told.lower_us <= 12 * S
    assert told.observed_until_us == T0 + 12 * S


def test_a_window_needs_its_full_length() -> None:
    end = T0 + 2 * S
    found = Client(100, [(T0, end)]).run(end + 9 * S)
    short = look(found, end + 4 * S)
    assert (short.answering, short.upper_us) == (False, None)
    assert short.lower_us <= 2 * S
    assert short.reason.startswith("not answering long enough (4.000 s of 5.000 s)")
    assert look(found, end + 5 * S + 20 * MS).answering


def test_a_recorder_that_stopped_proves_no_recovery() -> None:
    end = T0 + 2 * S
    found = Client(100, [(T0, end)]).run(end + S)
    assert not look(found, end + 20 * S).answering


def test_nothing_attempted_is_nothing_seen() -> None:
    found = Client(100, []).run(T0)
    told = look(found, T0 + 20 * S)
    assert (told.answering, told.lower_us, told.upper_us) == (False, 0, None)
    assert told.reason == "nothing was attempted after the fault"


def test_a_recovery_made_by_our_heal_does_not_count() -> None:
    healed = T0 + 10 * S
    found = Client(100, [(T0, healed + 200 * MS)]).run(healed + 8 * S)
    told = look(found, healed + 8 * S, heal_began_us=healed)
    assert (told.answering, told.upper_us) == (False, None)
    assert told.reason == "still down when healing began"
    assert 9_900 * MS < told.lower_us <= 10 * S


def test_a_recovery_just_before_our_heal_counts() -> None:
    healed = T0 + 10 * S
    found = Client(100, [(T0, healed - S)]).run(healed + 8 * S)
    told = look(found, healed + 8 * S, heal_began_us=healed)
    assert told.answering
    assert told.upper_us is not None
    assert told.lower_us <= 9 * S <= told.upper_us


def test_a_relapse_made_by_healing_moves_the_end_but_counts() -> None:
    end, healed = T0 + 2 * S, T0 + 12 * S
    found = Client(100, [(T0, end), (healed, healed + 50 * MS)]).run(healed + 8 * S)
    told = look(found, healed + 8 * S, heal_began_us=healed)
    assert (told.answering, told.relapses) == (True, 1)
    assert told.upper_us is not None
    assert told.lower_us <= 12_050 * MS <= told.upper_us


def test_shed_attempts_widen_and_never_prove_that_it_was_down() -> None:
    end = T0 + S
    found = Client(100, [(T0, end)]).run(end + 9 * S)
    last_asked = next(one for one in reversed(found) if one.outcome == Outcome.FAILED)
    for one in found:
        if end <= one.scheduled_us < end + 300 * MS:
            one.begun_us = one.sent_us = one.done_us = 0
            one.outcome = Outcome.SHED
    told = look(found, end + 9 * S)
    assert told.answering
    assert told.upper_us is not None
    assert told.not_before_us == last_asked.begun_us
    assert told.upper_us >= 1_300 * MS


def test_the_recorders_own_lateness_widens_both_edges() -> None:
    end = T0 + S
    found = Client(100, [(T0, end)]).run(end + 9 * S)
    on_time = look(found, end + 9 * S)
    last = max(k for k, one in enumerate(found) if one.outcome == Outcome.FAILED)
    for one in (found[last], found[last + 1]):
        one.begun_us += 5 * MS
        one.done_us += 5 * MS
    late = look(found, end + 9 * S)
    assert late.lower_us == on_time.lower_us
    assert late.upper_us == (on_time.upper_us or 0) + 10 * MS


def test_slow_is_not_recovered() -> None:
    end = T0 + S
    found = Client(100, [(T0, end)]).run(end + 20 * S)
    for one in found:
        if end <= one.scheduled_us < end + 3 * S:
            one.done_us = one.begun_us + 100 * MS
    told = look(found, end + 20 * S)
    assert told.answering
    assert told.upper_us is not None
    assert 3_700 * MS < told.lower_us < told.upper_us < 3_900 * MS


def test_other_clocks_start_at_another_moment() -> None:
    told = after_outage(2)
    assert told.since(T0, T0 + 4 * MS) == (told.lower_us, told.upper_us)
    lower, upper = told.since(T0 + S, T0 + S)
    assert upper is not None
    assert lower <= 1_001 * MS <= upper
    assert replace(told, not_after_us=None).since(T0, T0)[1] is None


def test_a_schedule_that_falls_is_refused() -> None:
    found = Client(100, []).run(T0 + S)
    with pytest.raises(ValueError, match="scheduled before the one that precedes it"):
        recovery(reversed(found), T0, T0, band_of(found), WINDOW, T0 + S)


def test_an_unsettled_attempt_is_neither_good_nor_bad_until_its_deadline() -> None:
    found = Client(100, []).run(T0 + 6 * S)
    found[310].outcome, found[310].done_us = Outcome.INTENT, 0
    found[311].outcome, found[311].done_us = Outcome.INTENT, 0
    assert look(found, T0 + 300 * MS).bad == 0
    assert look(found, T0 + 6 * S).bad == 2


def test_the_watch_sees_down_answering_calm_and_relapse_at_a_constant_cost() -> None:
    end, again = T0 + 2 * S, T0 + 60 * S
    found = Client(100, [(T0, end), (again, again + S)]).run(T0 + 80 * S)
    band = band_of(found)
    state: WatchState | None = None
    seen, most = {}, 0
    for second in range(1, 80):
        now = T0 + second * S
        first = state.since_key if state else 1
        recent = [one for one in found[first - 1 :] if one.scheduled_us < now]
        most = max(most, len(recent)) if second > 20 else 0
        state = watch_state(recent, T0, T0 + 4 * MS, band, WINDOW, now, state)
        seen[second] = state
    assert not seen[1].answering
    assert seen[1].down_since_us is not None
    assert not seen[6].answering
    assert (seen[8].answering, seen[8].down_since_us) == (True, None)
    assert seen[13].calm
    assert not seen[61].answering
    assert seen[61].down_since_us == again
    assert seen[65].down_since_us == again
    assert seen[67].answering
    assert seen[72].calm
    assert most <= 100 * 12


def test_an_attempt_begun_before_the_fault_never_ends_the_outage() -> None:
    found = Client(100, [(T0 + MS, T0 + S)]).run(T0 + 8 * S)
    found[299].begun_us = T0 + 5 * MS  # late, so that a later one was begun before the fault
    found[299].done_us = T0 + 6 * MS
    found[300].done_us, found[300].outcome = T0 + MS, Outcome.OK
    told = look(found, T0 + 8 * S)
    assert told.upper_us is not None
    assert told.lower_us <= 999 * MS <= told.upper_us


def test_attempts_that_hung_with_the_first_answer_narrow_the_interval() -> None:
    told = after_outage(0.4, mode="hang")
    assert (told.answering, told.bad) == (True, 0)
    assert told.upper_us is not None
    assert told.upper_us - told.lower_us <= 80 * MS
