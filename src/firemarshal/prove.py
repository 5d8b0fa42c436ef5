"""A fault or recovery held to its contract on a system of a target, by the command or a test.

    from firemarshal import lab
    from firemarshal.project import load
    from firemarshal.prove import prove

    def test_it_keeps_its_word() -> None:
        assert prove(load(ROOT), "postgres.my_fault", "lab", "orders", lab, print) == []

`lab` is handed in, because the kernel knows no room.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from firemarshal import conformance, recovering, state, target
from firemarshal.bad_input import BadInput
from firemarshal.catalogue import Catalogue, FaultFile, Recoveries, RecoveryFile
from firemarshal.fault import Recovery
from firemarshal.project import Project
from firemarshal.trial import Finding

Json = dict[str, Any]
Say = Callable[[str], None]
TRIAL = "trial"


def prove(
    project: Project,
    name: str,
    target_name: str,
    wanted: str,
    lab: Any,
    say: Say,
    **more: Any,
) -> list[Finding]:
    """All that the fault or recovery does wrong, [] for nothing; the system is broken often.

    A system of the lab is made for it and taken down again; any other one is held as a drill
    holds it. `more` goes to the `check` of `conformance` or `recovering`. Raises BadInput for
    what is not there, and where nothing may be broken.
    """
    profile = project.target(target_name)
    fault = _found(project, name)
    _check_arguments(fault, more.get("arguments") or {})
    system = fitting(profile, fault.facts.kinds, wanted)
    if profile.environment == "production":
        cure = "name a lab or a staging system: it is broken about ten times"
        raise BadInput(
            "conformance breaks no production", where=f"target {profile.name}", cure=cure
        )
    table = system.model_dump(mode="json")
    if system.lab and "members" not in table:
        return _in_the_lab(project, fault, table, lab, say, more)
    held = state.SystemState(project.state, profile.name, system.name)
    _refuse_standing(held, profile.name)
    try:
        with held.lock({"conformance": name}):
            return _checked(profile.name, fault, table, say, more)
    except state.Locked as locked:
        raise BadInput(str(locked), where=f"system {system.name}", cure="wait for it") from None


def _found(project: Project, name: str) -> FaultFile | RecoveryFile:
    recoveries = Recoveries(project.packages.faults)
    if name in recoveries.names:
        return recoveries.find(name, "conformance")
    return Catalogue(project.packages.faults).find(name, "conformance")


def _check_arguments(fault: FaultFile | RecoveryFile, given: Json) -> None:
    takes = f"its aim takes: {', '.join(fault.knobs) or 'nothing'}"
    for name in [one for one in given if one not in fault.knobs]:
        raise BadInput(f"{fault.name} takes no {name!r}", where="--aim", cure=takes)
    for name in [one for one in fault.required if one not in given]:
        raise BadInput(f"{fault.name} needs {name!r}", where="--aim", cure=f"--aim {name}=VALUE")


def fitting(profile: target.Target, kinds: tuple[str, ...], wanted: str = "") -> target.System:
    """The system of that name, else the first of these kinds; BadInput when there is none."""
    usable = [one for one in profile.systems if one.kind in kinds]
    found = next((one for one in usable if wanted in ("", one.name)), None)
    if found is None:
        what = f"no system {wanted!r}" if wanted else "no system"
        names = ", ".join(f"{one.name} ({one.kind})" for one in profile.systems)
        raise BadInput(
            f"{what} of kind {' or '.join(kinds)}",
            where=f"target {profile.name}",
            cure=f"it has: {names}",
        )
    return found


def _in_the_lab(
    project: Project,
    fault: FaultFile | RecoveryFile,
    table: Json,
    lab: Any,
    say: Say,
    more: Json,
) -> list[Finding]:
    """In a folder of its own, so that a lab that is up for drills stays as it is."""
    folder: Path = project.lab / f"{table['name']}-{TRIAL}"
    try:
        made = lab.up(table, folder, say)
        whole = target.completed(made, f"lab of {table['name']}").model_dump(mode="json")
        return _checked("lab", fault, whole, say, more)
    except lab.LabProblem as problem:
        raise BadInput(str(problem), where=f"lab of {table['name']!r}") from None
    finally:
        for one in lab.down(folder, say):
            say(f"still there: {one}")


def _checked(
    name: str, action: FaultFile | RecoveryFile, table: Json, say: Say, more: Json
) -> list[Finding]:
    say(f"{action.name}: {table['name']} is broken again and again, be patient")
    configuration = {"target": name, "drill": TRIAL, "system": table}
    if isinstance(action.facts, Recovery):
        return recovering.check(action, configuration, **more)
    return conformance.check(action, configuration, **more)


def _refuse_standing(held: state.SystemState, target_name: str) -> None:
    if held.pending() or held.damaged() or held.made():
        cure = f"first: firemarshal heal --target {target_name}"
        raise BadInput("faults of a drill still stand", where=f"system {held.system}", cure=cure)
