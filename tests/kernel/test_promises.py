"""A promise takes the clause's number, or a stricter one of the feature's that stays visible."""

from typing import Any

NAMES = "features/one.feature"


def test_the_plan_s_own_number_and_its_clause_stand_in_the_drill(repo: Any) -> None:
    then = "writes return as the plan promises\n    And no more is lost than the plan allows"
    (drill,) = repo.compiled(repo.drill(tags="@plan:SH-1 @plan:SH-2", then=then))
    rto, rpo = drill.promises
    assert (rto.id, rto.clause, rto.limit, rto.clause_limit) == (
        "rto-1",
        "SH-1",
        3_000_000,
        3_000_000,
    )
    assert (rpo.id, rpo.clause, rpo.limit, rpo.unit, rpo.step) == ("rpo-2", "SH-2", 0, "us", 4)
    assert drill.clauses == ("SH-1", "SH-2")


def test_a_stricter_number_is_judged_and_both_are_kept(repo: Any) -> None:
    (drill,) = repo.compiled(repo.drill(tags="@plan:SH-1", then="writes return within 2 s"))
    (promise,) = drill.promises
    assert (promise.limit, promise.clause_limit) == (2_000_000, 3_000_000)
    (equal,) = repo.compiled(repo.drill(tags="@plan:SH-1", then="writes return within 3 s"))
    assert equal.promises[0].limit == equal.promises[0].clause_limit == 3_000_000


def test_a_number_without_a_clause_is_the_feature_s_own(repo: Any) -> None:
    then = "writes return within 2 s\n    And no acknowledged write is lost"
    (drill,) = repo.compiled(repo.drill(then=then))
    assert [(one.clause, one.limit, one.clause_limit, one.unit) for one in drill.promises] == [
        ("", 2_000_000, None, "us"),
        ("", 0, None, "writes"),
    ]


def test_each_of_several_clauses_gets_its_promise_and_the_strictest_forbids(repo: Any) -> None:
    plan = (repo.root / "plans/shop.toml").read_text()
    more = plan[plan.index("[[clauses]]") : plan.index("[[clauses]]", plan.index("rto"))]
    repo.write(
        "plans/shop.toml", plan + more.replace("SH-1", "SH-3").replace('rto = "3 s"', 'rto = "1 s"')
    )
    tags = "@plan:SH-1 @plan:SH-3"
    (drill,) = repo.compiled(repo.drill(tags=tags, then="writes return as the plan promises"))
    assert [(one.id, one.clause, one.limit) for one in drill.promises] == [
        ("rto-1", "SH-1", 3_000_000),
        ("rto-2", "SH-3", 1_000_000),
    ]
    assert repo.refused(repo.drill(tags=tags, then="writes return within 2 s")) == [
        f"{NAMES}:7: 'writes return within 2 s' says 2.000 s, clause SH-3 promises 1.000 s; "
        "a drill may be stricter than its plan, never looser"
    ]
