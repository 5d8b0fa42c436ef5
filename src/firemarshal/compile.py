"""Feature files into drills; every mistake is found here, before anything can be touched."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firemarshal import gherkin
from firemarshal.bad_input import BadInput, did_you_mean
from firemarshal.catalogue import Catalogue
from firemarshal.declare import (
    Aimed,
    Condition,
    Declaration,
    Disaster,
    Healthy,
    Load,
    Objective,
)
from firemarshal.drill import Drill, Step, sha256
from firemarshal.plan import Plans
from firemarshal.promises import promises_of
from firemarshal.target import Target, kinds
from firemarshal.vocabulary import Vocabulary, declare

FREQUENCIES = ("daily", "weekly", "monthly", "quarterly", "yearly")
MUST_FAIL = re.compile(r"must-fail:(?P<objective>[a-z]+)>=(?P<least>\d+)(?P<unit>s?)$")
MUST_BE_INVALID = re.compile(r"must-be-invalid:(?P<code>[a-z-]+)$")
FAULTS = (Aimed, Condition, Disaster)


@dataclass(frozen=True)
class House:
    """All that a compilation reads: words, faults, plans and the target; nothing of it acts."""

    rootdir: Path
    vocabulary: Vocabulary
    catalogue: Catalogue
    plans: Plans
    target: Target
    tags: tuple[str, ...] = ()


def compile_scenario(house: House, scenario: gherkin.Scenario) -> Drill:
    """One scenario (one Examples row of it) as a drill; BadInput with file and line."""
    said = [_say(house, scenario, step) for step in scenario.steps]
    system = _only_system(scenario, said)
    said = [_on(one, system) for one in said]
    _check_shape(scenario, said)
    systems = tuple(dict.fromkeys(one.system for one in said))
    _check_systems(house, scenario, said)
    faults = _faults(house, scenario, said)
    clauses = _tags(house, scenario)
    steps = tuple(
        Step(step.keyword, step.text, step.line, one.as_json())
        for step, one in zip(scenario.steps, said, strict=True)
    )
    promises = promises_of(house.plans, scenario, said, clauses)
    control = _control(scenario, {promise.kind for promise in promises})
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
        systems=systems,
        faults=faults,
        steps=steps,
        promises=promises,
        hashes={
            "feature": scenario.sha256,
            "target": sha256(house.target.model_dump_json()),
            "plans": sha256(sorted(house.plans.hashes.items())),
        },
    )


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


def _on(said: Declaration, system: str) -> Declaration:
    if said.system:
        return said
    return type(said)(**{**vars(said), "system": system})


def _check_shape(scenario: gherkin.Scenario, said: list[Declaration]) -> None:
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
    for wanted, why in (
        (Healthy, "no Given checks that the system is healthy before it is harmed"),
        (Disaster, "no When says what goes wrong"),
        (Objective, "no Then judges anything, so it could not fail"),
    ):
        if not any(isinstance(one, wanted) for one in said):
            raise BadInput(why, where=f"{scenario.file}:{scenario.line}", cure="add such a step")
    disasters = [one for one in said if isinstance(one, Disaster)]
    if len(disasters) > 1:
        raise BadInput(
            f"{len(disasters)} disasters in one scenario; T0 can belong to one only",
            where=f"{scenario.file}:{scenario.line}",
            cure="split it, or write the composite as one fault",
        )
    harmed, checked, loaded = (
        {one.system for one in said if isinstance(one, kind)} for kind in (FAULTS, Healthy, (Load,))
    )
    judged = {one.system for one in said if isinstance(one, Objective)}
    if bare := harmed - checked:
        raise BadInput(
            f"{min(bare)!r} is harmed but never checked to be healthy first",
            where=f"{scenario.file}:{scenario.line}",
            cure=f'add: Given "{min(bare)}" is healthy',
        )
    if unseen := judged - loaded:
        raise BadInput(
            f"{min(unseen)!r} is judged but no clients write to it, so nobody could see",
            where=f"{scenario.file}:{scenario.line}",
            cure="add: And clients write steadily",
        )


def _check_systems(house: House, scenario: gherkin.Scenario, said: list[Declaration]) -> None:
    for step, one in zip(scenario.steps, said, strict=True):
        if house.target.system(one.system) is None:
            names = [system.name for system in house.target.systems]
            raise BadInput(
                f"target {house.target.name!r} has no system {one.system!r}",
                where=f"{scenario.file}:{step.line}",
                cure=did_you_mean(one.system, names) or f"it has: {', '.join(names)}",
            )


def _faults(
    house: House, scenario: gherkin.Scenario, said: list[Declaration]
) -> dict[str, dict[str, Any]]:
    found = {}
    for step, one in zip(scenario.steps, said, strict=True):
        if not isinstance(one, FAULTS):
            continue
        where = f"{scenario.file}:{step.line}"
        fault = house.catalogue.find(one.fault, where)
        for name in one.arguments:
            if name not in fault.knobs:
                raise BadInput(f"fault {one.fault!r} takes no {name!r}", where=where)
        if missing := [name for name in fault.required if name not in one.arguments]:
            raise BadInput(f"fault {one.fault!r} needs {', '.join(missing)}", where=where)
        found[one.fault] = {
            "module": fault.module,
            "sha256": fault.sha256,
            **{key: _plain(value) for key, value in vars(fault.facts).items()},
        }
    return found


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _tags(house: House, scenario: gherkin.Scenario) -> tuple[str, ...]:
    known = {*kinds(), *FREQUENCIES, *house.tags, *house.target.tags, "destructive"}
    clauses = []
    for tag in sorted(scenario.tags):
        if tag.startswith("plan:"):
            clauses.append(tag.removeprefix("plan:"))
        elif not (tag in known or MUST_FAIL.match(tag) or MUST_BE_INVALID.match(tag)):
            forms = [*known, "plan:", "must-fail:lost>=150", "must-be-invalid:did-not-bite"]
            raise BadInput(
                f"unknown tag @{tag}",
                where=f"{scenario.file}:{scenario.line}",
                cure=did_you_mean(tag, forms) or "name it in [tool.firemarshal] tags",
            )
    return tuple(clauses)


def _control(scenario: gherkin.Scenario, kinds_judged: set[str]) -> dict[str, Any] | None:
    controls: list[dict[str, Any]] = []
    for tag in scenario.tags:
        if found := MUST_FAIL.match(tag):
            if found["objective"] not in kinds_judged:
                raise BadInput(
                    f"@{tag} names an objective that no Then judges",
                    where=f"{scenario.file}:{scenario.line}",
                    cure=f"judged here: {', '.join(sorted(kinds_judged))}",
                )
            least = int(found["least"]) * (1_000_000 if found["objective"] != "lost" else 1)
            controls.append({"verdict": "FAILED", "objective": found["objective"], "least": least})
        elif found := MUST_BE_INVALID.match(tag):
            controls.append({"verdict": "INVALID", "code": found["code"]})
    if len(controls) > 1:
        raise BadInput(
            "a control can have one outcome only", where=f"{scenario.file}:{scenario.line}"
        )
    return controls[0] if controls else None


def _not_run(
    house: House,
    said: list[Declaration],
    faults: dict[str, dict[str, Any]],
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
