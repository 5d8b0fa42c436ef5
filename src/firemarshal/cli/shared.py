"""What every command starts from: the project, and how a target is named."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

Target = Annotated[str, typer.Option("--target", help="targets/NAME.toml, or a path")]


def project() -> Any:
    """The project of the nearest folder with a pyproject.toml or features/, as pytest's rootdir."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").exists() or (folder / "targets").is_dir():
            here = folder
            break
    found = import_module("firemarshal.project").load(here)
    found.importable()
    return found


def say(text: str, set_in: int = 4, style: str = "") -> None:
    """Print a line; on a terminal it is wrapped between words, what follows set in."""
    screen = import_module("firemarshal.screen").Screen(sys.stdout)
    screen.write(screen.line(text, style, set_in=set_in))
