"""`firemarshal lab`: the embedded lab, brought up, looked at and taken down by hand."""

import sys
from importlib import import_module
from typing import Any

import typer

from firemarshal.bad_input import BadInput
from firemarshal.cli.shared import Target, project

lab_app = typer.Typer(help="The embedded lab: real systems on this machine.", no_args_is_help=True)


@lab_app.command("up")
def lab_up(target: Target = "lab", system: str = "") -> None:
    """Bring the lab's systems up and leave them up until `firemarshal lab down`."""
    _refuse_while_faults_stand(target)
    for name, table in _lab_systems(target, system):
        folder = project().lab / name
        if not system and (why := lab_call("lacking", table)):
            print(f"{name}: not made: {why}")
            continue
        lab_call("up", table, folder, lambda text: print(text, flush=True))
        print(f"{name}: up; {lab_call('status', folder)['connect']}")


@lab_app.command("down")
def lab_down(target: Target = "lab", system: str = "") -> None:
    """Stop the lab's systems and remove what they left; exit code 20 if something stays."""
    left = []
    _refuse_while_faults_stand(target)
    for name, _ in _lab_systems(target, system):
        left += lab_call("down", project().lab / name, lambda text: print(text, flush=True))
        print(f"{name}: down")
    for one in left:
        print(f"still there: {one}")
    sys.exit(20 if left else 0)


@lab_app.command("status")
def lab_status(target: Target = "lab", system: str = "") -> None:
    """Which of the lab's systems are up, and how to look inside."""
    for name, _ in _lab_systems(target, system):
        found = lab_call("status", project().lab / name)
        print(f"{name}: {'up; ' + found['connect'] if found['up'] else 'down'}")


def _refuse_while_faults_stand(target: str) -> None:
    lines = import_module("firemarshal.healing").standing_lines(project(), target)
    if lines:
        raise BadInput(
            f"a drill runs or left faults: {lines[0]}",
            where=f"lab of target {target}",
            cure=f"first: firemarshal heal --target {target}",
        )


def lab_call(function: str, *arguments: Any) -> Any:
    """Call the room, which is loaded only here; its own problem becomes a BadInput."""
    lab = import_module("firemarshal.lab")
    try:
        return getattr(lab, function)(*arguments)
    except lab.LabProblem as problem:
        raise BadInput(str(problem), where="lab") from None


def _lab_systems(target: str, wanted: str) -> list[tuple[str, Any]]:
    profile = project().target(target)
    found = [
        (one.name, one.model_dump(mode="json"))
        for one in profile.systems
        if one.lab and wanted in ("", one.name)
    ]
    if not found:
        raise BadInput(
            f"no system {wanted!r} of the lab" if wanted else "no system of the lab",
            where=f"target {target}",
            cure=f"it has: {', '.join(one.name for one in profile.systems if one.lab) or 'none'}",
        )
    return found
