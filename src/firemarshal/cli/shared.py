"""What every command starts from: the project, and how a target is named."""

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
