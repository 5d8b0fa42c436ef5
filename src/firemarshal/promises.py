"""What the Thens promise: the clause's number, or the feature's where it is not looser."""

from firemarshal import gherkin
from firemarshal.bad_input import BadInput
from firemarshal.clock import seconds_text
from firemarshal.declare import Declaration, Objective
from firemarshal.drill import Promise
from firemarshal.plan import Plans


def promises_of(
    plans: Plans, scenario: gherkin.Scenario, said: list[Declaration], clauses: tuple[str, ...]
) -> tuple[Promise, ...]:
    """One promise for each Then, or one a clause where several clauses promise that kind."""
    found: list[Promise] = []
    for number, (step, one) in enumerate(zip(scenario.steps, said, strict=True)):
        if isinstance(one, Objective):
            found += _promises(plans, scenario, clauses, (number, step, one), len(found))
    return tuple(found)


def _promises(
    plans: Plans,
    scenario: gherkin.Scenario,
    clauses: tuple[str, ...],
    then: tuple[int, gherkin.Sentence, Objective],
    count: int,
) -> list[Promise]:
    number, step, one = then
    where = f"{scenario.file}:{step.line}"
    promised = {
        clause: plans.limit(clause, one.kind, where=scenario.tagged(f"plan:{clause}"))
        for clause in clauses
    }
    limits = {clause: limit for clause, limit in promised.items() if limit is not None}
    if one.limit is None and not limits:
        named = ", ".join(clauses)
        raise BadInput(
            f"{step.text!r}, but "
            + (f"clause {named} promises no {one.kind}" if clauses else "no @plan tag names one"),
            where=where,
            cure="tag the scenario with @plan:ID, or say the number",
        )
    for clause, limit in limits.items():
        if one.limit is not None and one.limit > limit:
            raise BadInput(
                f"{step.text!r} says {amount(one.kind, one.limit)}, clause {clause} promises "
                f"{amount(one.kind, limit)}",
                where=where,
                cure="a drill may be stricter than its plan, never looser",
            )
    unit = "writes" if one.kind == "lost" else "us"
    return [
        Promise(
            id=f"{one.kind}-{count + position + 1}",
            step=number,
            kind=one.kind,
            limit=one.limit if one.limit is not None else limits[clause],
            unit=unit,
            text=step.text,
            system=one.system,
            clause=clause,
            clause_limit=limits.get(clause),
        )
        for position, clause in enumerate(limits or {"": 0})
    ]


def amount(kind: str, limit: int) -> str:
    """A limit as a person reads it: writes for `lost`, a duration otherwise."""
    return f"{limit:,} writes" if kind == "lost" else seconds_text(limit)
