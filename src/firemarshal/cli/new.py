"""`firemarshal new`: files to begin with, which fail honestly until they are filled in."""

from importlib import import_module
from typing import Annotated

import typer

from firemarshal.cli.shared import Target, project

new_app = typer.Typer(help="Files to begin with: `firemarshal new fault`.", no_args_is_help=True)


@new_app.callback()
def _new() -> None:
    """Keeps `fault` a word of its own while it is the only one."""


@new_app.command("fault")
def new_fault(
    name: Annotated[str, typer.Argument(help="what happens, as in fill_disk")],
    kind: Annotated[str, typer.Option(help="the kind of system that it harms")],
    target: Target = "lab",
    system: Annotated[str, typer.Option(help="drilled first; else the first of the kind")] = "",
) -> None:
    """Write a fault, its sentence, a drill with its control, and a test; none is ever overwritten.

    Every verb says that it is not written yet, so that no drill of it can be green.
    """
    scaffold = import_module("firemarshal.scaffold").fault
    for line in scaffold(project(), name, kind, target, system):
        print(line)
