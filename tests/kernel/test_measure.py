"""The baseline says what normal is, or why nothing can be judged by it."""

import pytest

from firemarshal.ledger import Attempt, Outcome
from firemarshal.measure import Baseline, availability, baseline, percentile

MS = 1_000
S = 1_000_000
DEADLINE = 500 * MS


def attempts(
    count: int, latency_us: int = 2 * MS, late_us: int = 0, bad: tuple[int, ...] = ()
) -> list[Attempt]:
    return [
        Attempt(
            key=number + 1,
            scheduled_us=number * 10 * MS,
            begun_us=number * 10 * MS + late_us,
            sent_us=number * 10 * MS + late_us,
            done_us=number * 10 * MS + late_us + latency_us,
            outcome=Outcome.FAILED if number in bad else Outcome.OK,
        )
        for number in range(count)
    ]


def of(found: list[Attempt], to_us: int = 3 * S) -> Baseline:
    return baseline(found, 0, to_us, DEADLINE)


def test_a_quiet_baseline_can_be_judged_by() -> None:
    found = of(attempts(300))
    assert (found.attempts, found.ok, found.shed, found.noisy) == (300, 300, 0, "")
    assert (found.p50_us, found.p95_us, found.period_us) == (2 * MS, 2 * MS, 10 * MS)
    assert found.ok_millionths == S


def test_latency_counts_from_the_schedule_not_from_the_late_begin() -> None:
    found = of(attempts(300, latency_us=2 * MS, late_us=40 * MS))
    assert found.p95_us == 42 * MS
    assert found.lateness_p99_us == 40 * MS


def test_what_is_under_way_at_the_end_is_left_out() -> None:
    found = attempts(300)
    found[-1].done_us, found[-1].outcome = 0, Outcome.INTENT
    found[-2].done_us = 3 * S + 1
    assert (of(found).attempts, of(found).noisy) == (298, "")


def test_an_intent_past_its_deadline_is_a_failure() -> None:
    found = attempts(300)
    found[10].done_us, found[10].outcome = 0, Outcome.INTENT
    assert (of(found).attempts, of(found).ok) == (300, 299)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([], "only 0 attempts, 50 are needed"),
        (attempts(49), "only 49 attempts"),
        (attempts(300, bad=(1, 50, 99, 120)), "only 98.6666 % of 300 attempts succeeded, 99 %"),
        (attempts(300, latency_us=251 * MS), "p95 is 0.251 s, more than half of the attempts'"),
        (attempts(300, late_us=101 * MS), "the recorder itself is late: p99 is 0.101 s"),
    ],
)
def test_a_noisy_baseline_says_why(found: list[Attempt], reason: str) -> None:
    assert reason in of(found, to_us=4 * S).noisy


def test_three_failures_of_three_hundred_are_still_good_enough() -> None:
    assert of(attempts(300, bad=(1, 50, 99))).noisy == ""


def test_a_shed_attempt_makes_the_baseline_noisy() -> None:
    found = attempts(300)
    found[5] = Attempt(key=6, scheduled_us=50 * MS, outcome=Outcome.SHED)
    assert of(found).noisy == "the recorder shed 1 attempts: the rate is too high for it"


def test_the_band_is_half_a_point_and_three_times_p95_with_a_floor() -> None:
    band = of(attempts(300, latency_us=2 * MS)).band()
    assert (band.least_ok_millionths, band.p95_us) == (995_000, 50 * MS)
    assert of(attempts(300, latency_us=30 * MS)).band().p95_us == 90 * MS
    assert of(attempts(300, bad=(1, 2, 3))).band().least_ok_millionths == 985_000
    assert of(attempts(300, latency_us=30 * MS)).band(floor_us=100 * MS).p95_us == 100 * MS


def test_the_band_is_printed_as_one_sentence() -> None:
    assert of(attempts(300)).band().text() == (
        "answering again means: the first answer of the first 5.000 s in which at least 99.5 % of "
        "the attempts succeed and 95 % of those answer within 0.050 s"
    )


@pytest.mark.parametrize(
    ("good", "bad", "slow", "holds"),
    [
        (500, 0, 0, True),
        (498, 2, 0, True),
        (497, 3, 0, False),
        (500, 0, 25, True),
        (500, 0, 26, False),
        (0, 0, 0, False),
    ],
)
def test_the_edges_of_the_band(good: int, bad: int, slow: int, holds: bool) -> None:
    assert of(attempts(300)).band().holds(good, bad, slow) == holds


def test_counting_slow_attempts_is_the_same_as_the_95th_percentile() -> None:
    for count in (1, 19, 20, 21, 40, 99, 100, 101, 500):
        for slow in range(min(count, 40) + 1):
            values = [1] * (count - slow) + [9] * slow
            assert (percentile(values, 95) == 1) == (slow <= count // 20)


def test_availability_is_the_share_of_settled_attempts() -> None:
    found = attempts(200, bad=(3, 4))
    found[-1].done_us, found[-1].outcome = 0, Outcome.INTENT
    told = availability(found, 0, 2 * S, DEADLINE)
    assert (told.ok, told.bad, told.pending) == (197, 2, 1)
    assert told.ok_millionths == 989_949
    assert told.text() == "98.9949 % (197 of 199 attempts)"
    assert availability([], 0, S, DEADLINE).text() == "nobody looked"
