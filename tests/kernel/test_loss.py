"""What was lost is counted and dated, and every zero says how far it looked back."""

import random
from typing import Any

import pytest

from firemarshal.ledger import Attempt, Outcome
from firemarshal.loss import Loss, loss
from firemarshal.verdict import judge

MS = 1_000
S = 1_000_000
T0 = 41 * S
T0_AFTER = T0 + 5 * MS


def writes(to_us: int = 60 * S, first_us: int = 0) -> list[Attempt]:
    """A write every 10 ms, acknowledged after 2 ms; key k is scheduled at (k - 1) x 10 ms."""
    return [
        Attempt(at // (10 * MS) + 1, at, at, at, at + 2 * MS, outcome=Outcome.OK)
        for at in range(first_us, to_us, 10 * MS)
    ]


def reconciled(lost: list[int], **more: Any) -> dict[str, Any]:
    return {"rows": 0, "lost": lost, "in_doubt_present": 0, "unexpected": [], "by": "test"} | more


def told(lost: list[int], heal_began_us: int | None = None, **more: Any) -> Loss:
    return loss(writes(), reconciled(lost, **more), T0, T0_AFTER, heal_began_us)


def test_a_zero_carries_its_look_back() -> None:
    found = told([])
    assert (found.lost, found.lower_us, found.upper_us) == (0, 0, 0)
    assert found.look_back_us == T0 - 2 * MS
    assert found.text() == "0 of 6,000 acknowledged writes lost, looked back 41.0 s"
    assert judge(0, found.count.lower, found.count.upper, unit="writes").verdict == "met"


def test_the_seconds_reach_from_the_oldest_lost_to_the_fault() -> None:
    found = told(list(range(3901, 4101)))
    assert (found.lost, found.lost_before, found.lost_during) == (200, 200, 0)
    assert found.oldest_lost_us == 39 * S + 2 * MS
    assert found.lower_us == 2 * S - 2 * MS
    assert found.upper_us == 2 * S + 5 * MS
    assert found.text() == (
        "200 of 6,000 acknowledged writes lost, looked back 41.0 s: 1.998 to 2.005 s; "
        "200 acknowledged before the fault, 0 during, 0 after our healing began"
    )


def test_writes_lost_after_the_fault_stretch_the_loss() -> None:
    found = told([4000, 4200, 5500], heal_began_us=50 * S)
    assert (found.lost_before, found.lost_during, found.lost_after_heal) == (1, 1, 1)
    assert found.lower_us == 54_990 * MS - (39_990 + 2) * MS
    assert found.upper_us == (54_990 + 2) * MS - 39_990 * MS


def test_only_writes_after_the_fault_lost_is_a_loss_of_their_own_span() -> None:
    found = told([4200, 4300])
    assert (found.lost_before, found.lost_during) == (0, 2)
    assert (found.lower_us, found.upper_us) == (998 * MS, 1_002 * MS)


def test_everything_lost_has_no_upper_end() -> None:
    found = told(list(range(1, 4101)))
    assert found.everything_lost
    assert (found.lower_us, found.upper_us) == (T0 - 2 * MS, None)
    assert found.count.upper is None
    assert "more than 41.0 s (everything in the look-back is gone)" in found.text()
    assert judge(900 * S, found.lower_us, found.upper_us).verdict == "unknown"
    assert judge(30 * S, found.lower_us, found.upper_us).verdict == "missed"


def test_one_survivor_before_the_fault_ends_the_loss() -> None:
    found = told(list(range(2, 4101)))
    assert not found.everything_lost
    assert found.upper_us == T0_AFTER - 10 * MS


def test_nothing_acknowledged_before_the_fault_proves_nothing() -> None:
    found = loss(writes(first_us=45 * S), reconciled([]), T0, T0_AFTER)
    assert (found.lower_us, found.upper_us, found.look_back_us) == (0, None, 0)
    assert found.count.upper is None
    assert "nothing was acknowledged before the fault" in found.text()
    silent = loss([], reconciled([]), T0, T0_AFTER)
    assert silent.upper_us is None
    assert "nothing was acknowledged, so nothing could be seen" in silent.text()


def test_doubt_ghosts_and_doubles_are_told_apart_from_loss() -> None:
    attempts = writes()
    attempts[10].outcome, attempts[11].outcome = Outcome.UNKNOWN, Outcome.INTENT
    attempts[12].outcome = Outcome.FAILED
    found = loss(
        attempts,
        reconciled([], in_doubt_present=1, unexpected=[99_999], duplicated=[5, 6]),
        *(T0, T0_AFTER),
    )
    assert (found.acknowledged, found.in_doubt, found.in_doubt_present) == (5_997, 2, 1)
    assert (found.unexpected, found.duplicated, found.lost) == (1, 2, 0)
    assert found.text().endswith(
        "; 2 in doubt, 1 of them stored; 1 stored though never sent; 2 stored twice"
    )


def test_a_lost_write_that_was_never_acknowledged_is_a_mix_up() -> None:
    with pytest.raises(ValueError, match=r"1 writes are said to be lost .* such as key 7000"):
        told([7_000])


def test_the_interval_holds_the_truth_of_seeded_losses() -> None:
    rng = random.Random(11)
    for _ in range(50):
        struck = T0 + rng.randrange(5 * MS)
        cut = T0 - rng.randrange(1, 30 * S)  # the truth: nothing stored since then survived
        stored = {one.key: one.scheduled_us + rng.randrange(2 * MS) for one in writes()}
        lost = [key for key, at in stored.items() if cut <= at < T0]
        found = told(lost)
        assert found.lost == len(lost)
        if lost:
            span = struck - stored[lost[0]]
            assert found.upper_us is not None
            assert found.lower_us <= span <= found.upper_us
            assert found.upper_us - found.lower_us <= 7 * MS


def test_what_was_acknowledged_too_late_is_told_beside_the_loss() -> None:
    attempts = writes()
    for one in attempts[4100:4103]:
        one.outcome, one.late_us = Outcome.UNKNOWN, 55 * S
    found = loss(attempts, reconciled([], late_lost=[4101, 4102]), T0, T0_AFTER)
    assert (found.lost, found.in_doubt, found.late, found.late_lost) == (0, 3, 3, 2)
    assert "3 acknowledged after the client had given up, 2 of them lost" in found.text()
