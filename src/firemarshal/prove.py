"""A fault held to its contract on a system of a target, from the command line or from a test.

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

from firemarshal import state, target
from firemarshal.bad_input import BadInput
from firemarshal.catalogue import Catalogue, FaultFile
from firemarshal.conformance import check
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
    """All that the fault does wrong, [] for nothing; the system is broken about ten times.

    A system of the lab is made for it and taken down again; any other one is held as a drill
    holds it. `more` goes to `conformance.check`. Raises BadInput for what is not there, and where
    nothing may be broken.
    """
    profile = project.target(target_name)
    fault = Catalogue(project.packages.faults).find(name, "conformance")
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
    fault: FaultFile,
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


def _checked(name: str, fault: FaultFile, table: Json, say: Say, more: Json) -> list[Finding]:
    say(f"{fault.name}: {table['name']} is broken again and again, be patient")
    configuration = {"target": name, "drill": TRIAL, "system": table}
    return check(fault, configuration, **more)


def _refuse_standing(held: state.SystemState, target_name: str) -> None:
    if held.pending() or held.damaged() or held.made():
        cure = f"first: firemarshal heal --target {target_name}"
        raise BadInput("faults of a drill still stand", where=f"system {held.system}", cure=cure)
