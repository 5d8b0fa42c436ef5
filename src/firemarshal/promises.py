"""What the Thens promise: the clause's number, or the feature's where it is not looser."""

from collections.abc import Iterator
from typing import Any

from firemarshal import gherkin
from firemarshal.bad_input import BadInput
from firemarshal.clock import seconds_text
from firemarshal.declare import Declaration, Objective, Recovery, Runbook
from firemarshal.drill import Promise
from firemarshal.plan import Plans

Known = dict[str, dict[str, Any]]


def promises_of(
    plans: Plans,
    scenario: gherkin.Scenario,
    said: list[Declaration],
    clauses: tuple[str, ...],
    recoveries: Known,
    runbooks: Known,
) -> tuple[Promise, ...]:
    """One promise for each Then, or one a clause where several clauses promise that kind.

    What people do brings promises of its own: that a recovery is proved in its time, the deadline
    of each step of a runbook, and that what it claims in the end is what clients see.
    """
    found: list[Promise] = []
    for number, (step, one) in enumerate(zip(scenario.steps, said, strict=True)):
        if isinstance(one, Objective):
            _check_recovered(scenario, step, one, said)
            found += _promises(plans, scenario, clauses, (number, step, one), len(found))
        if isinstance(one, Recovery):
            found.append(_of_recovery(number, one, recoveries[one.recovery], len(found)))
        if isinstance(one, Runbook):
            found += _of_runbook(number, one, runbooks[one.runbook], len(found))
    return tuple(found)


def _of_recovery(number: int, said: Recovery, facts: dict[str, Any], count: int) -> Promise:
    """Else one that failed would pass wherever clients never noticed that it was needed."""
    return Promise(
        id=f"recovery-{count + 1}",
        step=number,
        kind="recovery",
        limit=facts["takes_up_to_us"],
        unit="us",
        text=f"{said.recovery} is proved in its own time",
        system=said.system,
        clock="its own",
        of=said.recovery,
    )


def _of_runbook(
    number: int, said: Runbook, runbook: dict[str, Any], count: int
) -> Iterator[Promise]:
    for position, step in enumerate(runbook["steps"], start=count + 1):
        yield Promise(
            id=f"step-{position}",
            step=number,
            kind="step",
            limit=step["deadline_us"],
            unit="us",
            text=f"step {step['id']!r} of {step['owner'] or 'nobody by name'} ends in time",
            system=said.system,
            clock="its own",
            of=f"{said.runbook}/{step['id']}",
        )
    yield Promise(
        id=f"claim-{count + len(runbook['steps']) + 1}",
        step=number,
        kind="claim",
        limit=0,
        unit="false claims",
        text=f"what {said.runbook!r} reports is what clients see",
        system=said.system,
        of=said.runbook,
    )


def _check_recovered(
    scenario: gherkin.Scenario, step: gherkin.Sentence, one: Objective, said: list[Declaration]
) -> None:
    if one.kind == "recovery" and not any(isinstance(each, Recovery) for each in said):
        raise BadInput(
            f"{step.text!r}, but no When carries out a recovery",
            where=f"{scenario.file}:{step.line}",
            cure="say what is done; a runbook is held against its own deadlines anyway",
        )


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
