"""What every command starts from: the project, and how a target is named."""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from firemarshal.bad_input import BadInput

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


def key_and_value(text: str) -> tuple[str, Any]:
    """KEY=VALUE; the value is JSON where it reads as such, else text. Raises BadInput."""
    key, found, value = text.partition("=")
    if not found:
        raise BadInput(f"{text!r} has no =", where="--aim", cure="write KEY=VALUE")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value
