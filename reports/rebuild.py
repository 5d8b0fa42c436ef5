"""Every report of a run, made from its folder: the run itself and `firemarshal report` call this.

A pure function of the evidence, so that a report can be made again years later, byte for byte.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from firemarshal.bad_input import BadInput
from firemarshal.reports import runs, summary, table

HTML = "firemarshal.reports.html"


def rebuild(folder: Path, allure: Path | None = None) -> list[Path]:
    """Write every report of a run, Allure results into `allure` where one is named.

    BadInput when the folder is no run, was cut short before `run.json`, or cannot be written.
    """
    runs.load(folder)
    if not (folder / "run.json").exists():
        raise BadInput(
            "run.json is not there, so what was planned cannot be told",
            where=str(folder),
            cure="read what is left with firemarshal explain",
        )
    try:
        written = [summary.rebuild(folder), table.rebuild(folder)]
        if find_spec(HTML):
            written.append(import_module(HTML).write(folder))
        if allure:
            import_module("firemarshal.reports.allure").write(folder, allure)
            written.append(allure)
    except OSError as problem:
        raise BadInput(
            f"a report cannot be written: {problem.strerror}",
            where=str(problem.filename or folder),
            cure="make room, or name a folder that you may write to",
        ) from None
    return written
