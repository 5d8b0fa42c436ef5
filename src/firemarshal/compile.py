"""Feature files into drills; every mistake is found here, before anything can be touched."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from firemarshal import gherkin, tags
from firemarshal.bad_input import BadInput, Mistakes, did_you_mean
from firemarshal.catalogue import Catalogue, FaultFile, Recoveries, RecoveryFile
from firemarshal.clock import seconds_text
from firemarshal.declare import Condition, Declaration, Disaster, Recovery, Runbook
from firemarshal.drill import Drill, Promise, Step, sha256
from firemarshal.fault import Fault
from firemarshal.plan import Plans
from firemarshal.promises import promises_of
from firemarshal.runbook import Runbooks
from firemarshal.shape import FAULTS, check_order, check_shape
from firemarshal.target import System, Target
from firemarshal.vocabulary import Vocabulary, declare

Facts = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class House:
    """All that a compilation reads: words, faults, plans and the target; nothing of it acts."""

    rootdir: Path
    vocabulary: Vocabulary
    catalogue: Catalogue
    recoveries: Recoveries
    plans: Plans
    runbooks: Runbooks
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
    recoveries: Facts = {}
    runbooks: Facts = {}
    promises: tuple[Promise, ...] = ()
    with mistakes.noted():
        check_shape(scenario, said)
    with mistakes.noted():
        faults = _faults(house, scenario, said)
    with mistakes.noted():
        recoveries, runbooks = _recoveries(house, scenario, said)
        promises = promises_of(house.plans, scenario, said, clauses, recoveries, runbooks)
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
        not_run=_not_run(house, said, {**faults, **recoveries}, control),
        target=house.target.name,
        systems=tuple(dict.fromkeys(one.system for one in said)),
        faults=faults,
        recoveries=recoveries,
        runbooks=runbooks,
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
        check_order(scenario)
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
            found[one.fault] = _known(fault)
    mistakes.tell()
    return found


def _recoveries(
    house: House, scenario: gherkin.Scenario, said: list[Declaration]
) -> tuple[Facts, Facts]:
    """The recoveries and the runbooks that the scenario names, as the drill holds them."""
    recoveries: Facts = {}
    runbooks: Facts = {}
    mistakes = Mistakes()
    for step, one in zip(scenario.steps, said, strict=True):
        where = f"{scenario.file}:{step.line}"
        with mistakes.noted():
            if isinstance(one, Runbook):
                runbooks[one.runbook] = house.runbooks.find(one.runbook, where)
            if isinstance(one, Recovery):
                found = house.recoveries.find(one.recovery, where)
                _check_arguments(found, one.arguments, where)
                recoveries[one.recovery] = _known(found)
    mistakes.tell()
    return recoveries, runbooks


def _known(found: FaultFile | RecoveryFile) -> dict[str, Any]:
    return {"module": found.module, "sha256": found.sha256, **_plain(vars(found.facts))}


def _check_arguments(
    fault: FaultFile | RecoveryFile, arguments: dict[str, Any], where: str
) -> None:
    mistakes = Mistakes()
    word = "fault" if isinstance(fault.facts, Fault) else "recovery"
    takes = f"its aim takes: {', '.join(fault.knobs) or 'nothing'}"
    for name in arguments:
        if name not in fault.knobs:
            cure = did_you_mean(name, fault.knobs) or takes
            mistakes.note(f"{word} {fault.name!r} takes no {name!r}", where=where, cure=cure)
    for name in fault.required:
        if name not in arguments:
            mistakes.note(f"{word} {fault.name!r} needs {name!r}", where=where, cure=takes)
    mistakes.tell()


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts as evidence holds them: without tuples, and seconds as whole microseconds."""
    plain: dict[str, Any] = {}
    for key, one in facts.items():
        if key.endswith("_s"):
            plain[f"{key}_us".replace("_s_us", "_us")] = round(one * 1e6)
        else:
            plain[key] = list(one) if isinstance(one, tuple) else one
    return plain


def _not_run(
    house: House,
    said: list[Declaration],
    acts: Facts,
    control: dict[str, Any] | None,
) -> dict[str, str] | None:
    if control and not house.target.negative_controls:
        return {
            "code": "controls-not-allowed",
            "why": f"a negative control; target {house.target.name!r} does not allow them",
        }
    for one in said:
        system = house.target.system(one.system)
        name = getattr(one, "fault", "") or getattr(one, "recovery", "")
        if name and system and system.kind not in acts[name]["kinds"]:
            does = "recover" if isinstance(one, Recovery) else "harm"
            return {
                "code": "no-fault-for-kind",
                "why": f"{name} cannot {does} {one.system!r}, which is of kind {system.kind!r}",
            }
        if name and system and (lacking := _lacking(system, acts[name])):
            return {
                "code": "no-engine",
                "why": f"{name} needs {lacking}, {one.system!r} has none",
            }
    return None


def _lacking(system: System, facts: dict[str, Any]) -> str:
    """What the fault works through and the profile lacks; a system of the lab gets it when made."""
    needs = {need.partition(":")[0] for need in facts["needs"]}
    if system.lab:
        return ""
    if "engine" in needs and not getattr(system, "links", ()):
        return "a link with an engine (a proxy)"
    clocks = [getattr(one, "clock", "") for one in getattr(system, "members", ())]
    return "a member whose clock can be moved" if "clock" in needs and not any(clocks) else ""
