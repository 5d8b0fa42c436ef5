"""Feature files into drills; every mistake is found here, before anything can be touched."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from firemarshal import gherkin, tags
from firemarshal.bad_input import BadInput, Mistakes, did_you_mean
from firemarshal.catalogue import Catalogue, FaultFile
from firemarshal.clock import seconds_text
from firemarshal.declare import (
    Aimed,
    Condition,
    Declaration,
    Disaster,
    Healthy,
    Load,
    Objective,
)
from firemarshal.drill import Drill, Promise, Step, sha256
from firemarshal.plan import Plans
from firemarshal.promises import promises_of
from firemarshal.target import Target
from firemarshal.vocabulary import Vocabulary, declare

FAULTS = (Aimed, Condition, Disaster)
Facts = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class House:
    """All that a compilation reads: words, faults, plans and the target; nothing of it acts."""

    rootdir: Path
    vocabulary: Vocabulary
    catalogue: Catalogue
    plans: Plans
    target: Target
    tags: tuple[str, ...] = ()
    features: tuple[Path, ...] = ()

    def drills_in(self, path: Path) -> bool:
        """Whether a feature file is ours; one outside of the root was asked for by its name."""
        inside = path.is_relative_to(self.rootdir) and bool(self.features)
        return not inside or any(path.is_relative_to(folder) for folder in self.features)


def compile_scenario(house: House, scenario: gherkin.Scenario) -> Drill:
    """One scenario (one Examples row of it) as a drill; BadInput tells all its mistakes."""
    clauses, said = _read(house, scenario)
    mistakes = Mistakes()
    faults: Facts = {}
    promises: tuple[Promise, ...] = ()
    with mistakes.noted():
        _check_shape(scenario, said)
    with mistakes.noted():
        faults = _faults(house, scenario, said)
    with mistakes.noted():
        promises = promises_of(house.plans, scenario, said, clauses)
    mistakes.tell()
    control = tags.control(scenario, {promise.kind for promise in promises})
    return Drill(
        name=scenario.name,
        feature=scenario.feature,
        file=scenario.file,
        line=scenario.line,
        row=scenario.row,
        tags=tuple(sorted(scenario.tags)),
        clauses=clauses,
        control=control,
        not_run=_not_run(house, said, faults, control),
        target=house.target.name,
        systems=tuple(dict.fromkeys(one.system for one in said)),
        faults=faults,
        steps=tuple(
            Step(step.keyword, step.text, step.line, one.as_json())
            for step, one in zip(scenario.steps, said, strict=True)
        ),
        promises=promises,
        hashes={
            "feature": scenario.sha256,
            "target": sha256(house.target.model_dump_json()),
            "plans": sha256(sorted(house.plans.hashes.items())),
        },
    )


def _read(house: House, scenario: gherkin.Scenario) -> tuple[tuple[str, ...], list[Declaration]]:
    """Clauses and declarations: what the later checks need, so its mistakes are told before."""
    mistakes = Mistakes()
    clauses: tuple[str, ...] = ()
    said: list[Declaration] = []
    with mistakes.noted():
        clauses = tags.clauses(scenario, tags.known(house.tags, house.target))
    with mistakes.noted():
        _check_order(scenario)
    for step in scenario.steps:
        with mistakes.noted():
            said.append(_say(house, scenario, step))
    mistakes.tell()
    _check_systems(house, scenario, said)
    system = _only_system(scenario, said)
    return clauses, [one if one.system else replace(one, system=system) for one in said]


def _say(house: House, scenario: gherkin.Scenario, step: gherkin.Sentence) -> Declaration:
    where = f"{scenario.file}:{step.line}"
    definition, arguments = house.vocabulary.find(step.keyword, step.text, where)
    extra = {
        name: value
        for name, value in (("datatable", step.table), ("docstring", step.text_block))
        if value is not None
    }
    said = declare(definition, arguments | extra, where)
    if step.keyword not in type(said).says:
        raise BadInput(
            f"{step.text!r} declares {type(said).__name__}, which has no place under "
            f"{step.keyword.title()}",
            where=where,
            cure=f"it belongs under {' or '.join(type(said).says)}",
        )
    return said


def _only_system(scenario: gherkin.Scenario, said: list[Declaration]) -> str:
    named = list(dict.fromkeys(one.system for one in said if one.system))
    silent = [step for step, one in zip(scenario.steps, said, strict=True) if not one.system]
    if silent and len(named) != 1:
        raise BadInput(
            f"{silent[0].text!r} does not say which system, and the scenario names "
            f"{len(named)} ({', '.join(named) or 'none'})",
            where=f"{scenario.file}:{silent[0].line}",
            cure="name the system in quotes",
        )
    return named[0] if named else ""


def _check_order(scenario: gherkin.Scenario) -> None:
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


def _check_shape(scenario: gherkin.Scenario, said: list[Declaration]) -> None:
    mistakes, where = Mistakes(), f"{scenario.file}:{scenario.line}"
    for wanted, why in (
        (Healthy, "no Given checks that the system is healthy before it is harmed"),
        (Disaster, "no When says what goes wrong"),
        (Objective, "no Then judges anything, so it could not fail"),
    ):
        if not any(isinstance(one, wanted) for one in said):
            mistakes.note(why, where=where, cure="add such a step")
    disasters = _lines(scenario, said, Disaster)
    if len(disasters) > 1:
        mistakes.note(
            f"{len(disasters)} disasters in one scenario; T0 can belong to one only",
            where=f"{scenario.file}:{disasters[1]}",
            cure="split it, or write the composite as one fault",
        )
    mistakes.tell()
    harmed, checked, loaded, judged = (
        {one.system for one in said if isinstance(one, kind)}
        for kind in (FAULTS, (Healthy,), (Load,), (Objective,))
    )
    for bare in sorted(harmed - checked):
        cure = f'add: Given "{bare}" is healthy'
        mistakes.note(f"{bare!r} is harmed but never checked to be healthy", where=where, cure=cure)
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
    scenario: gherkin.Scenario, said: Sequence[Declaration], kind: type[Declaration]
) -> list[int]:
    steps = zip(scenario.steps, said, strict=True)
    return [step.line for step, one in steps if isinstance(one, kind)]


def _check_systems(house: House, scenario: gherkin.Scenario, said: list[Declaration]) -> None:
    names = [system.name for system in house.target.systems]
    most_us = round(house.target.max_hold_s * 1_000_000)
    unknown: set[str] = set()
    mistakes = Mistakes()
    for step, one in zip(scenario.steps, said, strict=True):
        where = f"{scenario.file}:{step.line}"
        if one.system and one.system not in {*names, *unknown}:
            unknown.add(one.system)
            mistakes.note(
                f"target {house.target.name!r} has no system {one.system!r}",
                where=where,
                cure=did_you_mean(one.system, names) or f"it has: {', '.join(names)}",
            )
        stands_us = _stands_us(one)
        if stands_us > most_us:
            mistakes.note(
                f"{step.text!r} would stand for {seconds_text(stands_us)}, target "
                f"{house.target.name!r} allows {seconds_text(most_us)}",
                where=where,
                cure="say less, or raise max_hold_s in the profile",
            )
    mistakes.tell()


def _stands_us(one: Declaration) -> int:
    if isinstance(one, Disaster):
        return one.hold_us or 0
    return one.for_us if isinstance(one, Condition) else 0


def _faults(house: House, scenario: gherkin.Scenario, said: list[Declaration]) -> Facts:
    found: Facts = {}
    mistakes = Mistakes()
    for step, one in zip(scenario.steps, said, strict=True):
        if not isinstance(one, FAULTS):
            continue
        with mistakes.noted():
            fault = house.catalogue.find(one.fault, f"{scenario.file}:{step.line}")
            _check_arguments(fault, one.arguments, f"{scenario.file}:{step.line}")
            found[one.fault] = {
                "module": fault.module,
                "sha256": fault.sha256,
                **_plain(vars(fault.facts)),
            }
    mistakes.tell()
    return found


def _check_arguments(fault: FaultFile, arguments: dict[str, Any], where: str) -> None:
    mistakes = Mistakes()
    takes = f"its aim takes: {', '.join(fault.knobs) or 'nothing'}"
    for name in arguments:
        if name not in fault.knobs:
            cure = did_you_mean(name, fault.knobs) or takes
            mistakes.note(f"fault {fault.name!r} takes no {name!r}", where=where, cure=cure)
    for name in fault.required:
        if name not in arguments:
            mistakes.note(f"fault {fault.name!r} needs {name!r}", where=where, cure=takes)
    mistakes.tell()


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts as evidence holds them: without tuples, and seconds as whole microseconds."""
    shows_within_us = round(facts["shows_within_s"] * 1e6)
    kept = {key: one for key, one in facts.items() if key != "shows_within_s"}
    plain = {key: list(one) if isinstance(one, tuple) else one for key, one in kept.items()}
    return {**plain, "shows_within_us": shows_within_us}


def _not_run(
    house: House,
    said: list[Declaration],
    faults: Facts,
    control: dict[str, Any] | None,
) -> dict[str, str] | None:
    if control and not house.target.negative_controls:
        return {
            "code": "controls-not-allowed",
            "why": f"a negative control; target {house.target.name!r} does not allow them",
        }
    for one in said:
        system = house.target.system(one.system)
        if isinstance(one, FAULTS) and system and system.kind not in faults[one.fault]["kinds"]:
            return {
                "code": "no-fault-for-kind",
                "why": f"{one.fault} cannot harm {one.system!r}, which is of kind {system.kind!r}",
            }
    return None
