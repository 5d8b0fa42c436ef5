"""The shape of a scenario: what must be said, in which order, about which systems."""

from collections.abc import Sequence

from firemarshal import gherkin
from firemarshal.bad_input import BadInput, Mistakes
from firemarshal.declare import (
    Aimed,
    Condition,
    Declaration,
    Disaster,
    Healthy,
    Load,
    Objective,
    Recovery,
    Runbook,
)

FAULTS = (Aimed, Condition, Disaster)
RECOVERIES = (Recovery, Runbook)


def check_order(scenario: gherkin.Scenario) -> None:
    """Given, When, Then, in this order and once each; BadInput with the line of the first slip."""
    order = ("given", "when", "then")
    last = "given"
    for step in scenario.steps:
        if order.index(step.keyword) < order.index(last):
            raise BadInput(
                f"a {step.keyword.title()} comes after a {last.title()}",
                where=f"{scenario.file}:{step.line}",
                cure="one disaster a scenario: split it in two",
            )
        last = step.keyword


def check_shape(scenario: gherkin.Scenario, said: list[Declaration]) -> None:
    """Whether the scenario could prove anything at all; BadInput tells all that is missing."""
    mistakes, where = Mistakes(), f"{scenario.file}:{scenario.line}"
    for wanted, why in (
        ((Healthy,), "no Given checks that the system is healthy before it is harmed"),
        ((Disaster, *RECOVERIES), "no When says what goes wrong, or what is done about it"),
        ((Objective,), "no Then judges anything, so it could not fail"),
    ):
        if not any(isinstance(one, wanted) for one in said):
            mistakes.note(why, where=where, cure="add such a step")
    disasters = _lines(scenario, said, (Disaster,))
    if len(disasters) > 1:
        mistakes.note(
            f"{len(disasters)} disasters in one scenario; T0 can belong to one only",
            where=f"{scenario.file}:{disasters[1]}",
            cure="split it, or write the composite as one fault",
        )
    done = _lines(scenario, said, RECOVERIES)
    if done and disasters and done[0] < disasters[0]:
        mistakes.note(
            "a recovery comes before the disaster that it is to recover from",
            where=f"{scenario.file}:{done[0]}",
            cure="first say what goes wrong, then what is done about it",
        )
    if done and any(isinstance(one, Disaster) and one.hold_us for one in said):
        mistakes.note(
            "the fault ends by itself before anybody could do something about it",
            where=f"{scenario.file}:{disasters[0]}",
            cure="leave its duration out: it stands until the watch is over",
        )
    mistakes.tell()
    _check_subjects(said, where)


def _check_subjects(said: list[Declaration], where: str) -> None:
    """Whoever is harmed must be checked before, and whoever is judged must be watched."""
    mistakes = Mistakes()
    harmed, checked, loaded, judged = (
        {one.system for one in said if isinstance(one, kind)}
        for kind in ((*FAULTS, *RECOVERIES), (Healthy,), (Load,), (*RECOVERIES, Objective))
    )
    for bare in sorted(harmed - checked):
        cure = f'add: Given "{bare}" is healthy'
        what = f"{bare!r} is acted upon but never checked to be healthy"
        mistakes.note(what, where=where, cure=cure)
    if len(loaded) > 1:
        mistakes.note(
            f"clients write to {len(loaded)} systems ({', '.join(sorted(loaded))}); one is judged",
            where=where,
            cure="a scenario for each system",
        )
    for unseen in sorted(judged - loaded):
        mistakes.note(
            f"{unseen!r} is judged but no clients write to it, so nobody could see",
            where=where,
            cure="add: And clients write steadily",
        )
    mistakes.tell()


def _lines(
    scenario: gherkin.Scenario,
    said: Sequence[Declaration],
    kind: tuple[type[Declaration], ...],
) -> list[int]:
    steps = zip(scenario.steps, said, strict=True)
    return [step.line for step, one in steps if isinstance(one, kind)]
