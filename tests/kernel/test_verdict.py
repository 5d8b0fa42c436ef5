"""Verdicts follow from intervals alone, and a control is green only when it fails as it must."""

import pytest

from firemarshal.verdict import (
    CODES,
    Interval,
    Outcome,
    Verdict,
    drill_verdict,
    exit_code,
    expected,
    judge,
)

S = 1_000_000
P, F, X, A, N = Verdict.PASSED, Verdict.FAILED, Verdict.INVALID, Verdict.ABORTED, Verdict.NOT_RUN


@pytest.mark.parametrize(
    ("limit", "lower", "upper", "verdict", "reason"),
    [
        (300 * S, 2_500_000, 2_512_000, "met", "2.500 to 2.512 s, the plan allows 5 min"),
        (5 * S, 4_900_000, 5 * S, "met", "4.900 to 5.000 s, the plan allows 5 s"),
        (5 * S, 5 * S, 5 * S, "met", "5.000 s, the plan allows 5 s"),
        (0, 0, 0, "met", "0.000 s, the plan allows 0 s"),
        (5 * S, 5 * S + 1, 6 * S, "missed", "5.000 to 6.000 s, the plan allows 5 s"),
        (5 * S, 6 * S, None, "missed", "more than 6.000 s (still down), the plan allows 5 s"),
        (5 * S, 4_900_000, 5_200_000, "unknown", "too close to call: 4.900 to 5.200 s of 5 s"),
        (5 * S, 5 * S, 5 * S + 1, "unknown", "too close to call: 5.000 s of 5 s"),
        (900 * S, 600 * S, None, "unknown", "gave up at 10 min of 15 min"),
        (5 * S, 5 * S, None, "unknown", "gave up at 5.000 s of 5 s"),
        (900 * S, 0, None, "unknown", "nobody could see; the plan allows 15 min"),
    ],
)
def test_a_duration_is_judged_by_its_worst_end(
    limit: int, lower: int, upper: int | None, verdict: str, reason: str
) -> None:
    judged = judge(limit, lower, upper)
    assert (judged.verdict, judged.reason) == (verdict, reason)


def test_counts_are_judged_in_their_own_unit() -> None:
    assert judge(0, 0, 0, unit="writes").reason == "0 writes, the plan allows 0 writes"
    missed = judge(0, 1163, 1163, unit="writes")
    assert missed.verdict == "missed"
    assert missed.reason == "1,163 writes, the plan allows 0 writes"


def test_an_open_loss_says_why_no_end_was_seen() -> None:
    judged = judge(900 * S, 41 * S, None, open_because="everything in the look-back is gone")
    assert judged.verdict == "unknown"
    assert "cannot be told: more than 41.0 s (everything in the look-back" in judged.reason
    assert judge(30 * S, 41 * S, None, open_because="all gone").verdict == "missed"


def test_an_interval_reads_like_a_sentence() -> None:
    assert Interval(312 * S, None).text() == "more than 5 min 12 s (still down)"
    assert Interval(3, 3, "writes").text() == "3 writes"
    assert Interval(55 * S, 65 * S).text() == "55.0 s to 1 min 5 s"


@pytest.mark.parametrize(
    ("objectives", "earlier", "verdict"),
    [
        (["met", "met"], None, P),
        (["met", "missed", "unknown"], None, F),
        (["met", "unknown"], None, X),
        ([], None, X),
        (["missed"], A, A),
        (["met"], X, X),
        ([], N, N),
    ],
)
def test_a_drill_is_as_good_as_its_worst_objective(
    objectives: list[str], earlier: Verdict | None, verdict: Verdict
) -> None:
    assert drill_verdict(objectives, earlier) == verdict


def test_nothing_passes_before_it_is_judged() -> None:
    with pytest.raises(ValueError, match="cannot have been PASSED"):
        drill_verdict(["met"], P)


def objective(kind: str, verdict: str, lower: int) -> dict[str, object]:
    return {"id": f"{kind}-1", "kind": kind, "verdict": verdict, "lower": lower}


LOST = {"verdict": "FAILED", "objective": "lost", "least": 150}
CHANGED = {"verdict": "INVALID", "code": "victim-changed"}


@pytest.mark.parametrize(
    ("control", "verdict", "objectives", "code", "as_expected", "why"),
    [
        (None, P, [], "", True, "PASSED"),
        (None, F, [], "", False, "FAILED"),
        (None, X, [], "did-not-bite", False, "INVALID (did-not-bite)"),
        (LOST, F, [objective("lost", "missed", 150)], "", True, "FAILED, as it must"),
        (LOST, F, [objective("lost", "missed", 149)], "", False, "at least 150, measured 149"),
        (LOST, F, [objective("rto", "missed", 900)], "", False, "'lost', which was not missed"),
        (
            LOST,
            F,
            [objective("lost", "missed", 200), objective("rto", "missed", 9)],
            "",
            False,
            "only, also missed rto-1",
        ),
        (
            LOST,
            F,
            [objective("lost", "missed", 200), objective("rto", "met", 9)],
            "",
            True,
            "measured 200",
        ),
        (LOST, P, [objective("lost", "met", 0)], "", False, "had to be FAILED, was PASSED"),
        (CHANGED, X, [], "victim-changed", True, "INVALID for 'victim-changed', as it must"),
        (CHANGED, X, [], "did-not-bite", False, "was for 'did-not-bite'"),
        (CHANGED, A, [], "signal", False, "was ABORTED (signal)"),
        (LOST, N, [], "controls-not-allowed", True, "does not allow"),
        (LOST, N, [], "not-reached", False, "was NOT RUN (not-reached)"),
    ],
)
def test_controls_are_green_only_when_they_fail_as_they_must(
    control: dict[str, object] | None,
    verdict: Verdict,
    objectives: list[dict[str, object]],
    code: str,
    as_expected: bool,
    why: str,
) -> None:
    found = expected(control, verdict, objectives, code)
    assert found[0] == as_expected
    assert why in found[1]


def of(verdict: Verdict, *, control: bool = False, good: bool | None = None) -> Outcome:
    as_expected = verdict == P if good is None else good
    return Outcome(verdict, as_expected, "as found", control)


DIRTY = Outcome(P, True, "NOT CLEAN")


@pytest.mark.parametrize(
    ("outcomes", "lab", "code"),
    [
        ([], True, 5),
        ([of(P)], False, 0),
        ([of(P), of(F)], False, 1),
        ([of(P), of(X)], False, 10),
        ([of(P), of(A)], False, 11),
        ([of(P), of(N)], False, 12),
        ([of(P), of(N)], True, 0),
        ([of(N), of(N)], True, 5),
        ([of(N)], False, 12),
        ([DIRTY, of(A), of(F), of(X), of(N)], False, 20),
        ([of(A), of(F), of(X), of(N)], False, 11),
        ([of(F), of(X), of(N)], False, 1),
        ([of(X), of(N)], False, 10),
        ([of(F, control=True, good=True)], True, 0),
        ([of(X, control=True, good=True)], True, 0),
        ([of(P, control=True, good=False)], True, 1),
        ([of(X, control=True, good=False)], True, 1),
        ([of(A, control=True, good=False)], True, 11),
        ([of(P), of(N, control=True, good=True)], False, 0),
        ([of(N, control=True, good=True)], False, 5),
    ],
)
def test_the_worst_outcome_names_the_exit_code(
    outcomes: list[Outcome], lab: bool, code: int
) -> None:
    assert exit_code(outcomes, lab=lab) == code


def test_every_code_has_a_verdict_a_sentence_and_a_cure() -> None:
    assert {one.verdict for one in CODES.values()} == {X, A, N}
    assert len(CODES) == 27
    for code in CODES.values():
        assert len(code.sentence) > 15
        assert len(code.cure) > 8


def test_a_control_counts_no_loss_that_healing_made() -> None:
    """Writes lost after our own heal would make a control green for another cause."""
    control = {"verdict": "FAILED", "objective": "lost", "least": 150}
    missed = {"id": "lost-1", "kind": "lost", "verdict": "missed", "lower": 200, "unit": "writes"}
    assert expected(control, F, [{**missed, "before_heal": 200}])[0]
    as_expected, why = expected(control, F, [{**missed, "before_heal": 20}])
    assert not as_expected
    assert "at least 150 writes, measured 20 writes" in why
