"""Every report of a run, made from its folder: the run itself and `firemarshal report` call this.

A pure function of the evidence, so that a report can be made again years later, byte for byte.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from firemarshal.bad_input import BadInput
from firemarshal.reports import allure as allure_results
from firemarshal.reports import beside, html, runs, summary, table


def keep(folder: Path, plan_folders: Iterable[Path]) -> None:
    """Keep in the run folder what its reports need from outside; once, when the run ends."""
    with _told(folder):
        beside.keep(folder, plan_folders)


def rebuild(folder: Path, allure: Path | None = None, *, replace: bool = False) -> list[Path]:
    """Write every report of a run, Allure results into `allure` where one is named.

    BadInput when the folder is no run, was cut short before `run.json`, was changed so that it
    means nothing any more, or cannot be written.
    """
    with _told(folder):
        loaded = runs.load(folder)
    if missing := loaded.missing:
        raise BadInput(
            f"{missing[0]}, so what was planned cannot be told",
            where=str(folder),
            cure="read what is left with firemarshal explain",
        )
    with _told(folder):
        written = [summary.rebuild(folder), table.rebuild(folder), html.write(folder)]
        if allure:
            allure_results.write(folder, allure, replace=replace)
            written.append(allure)
    return written


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
        raise BadInput(
            f"holds what this version cannot read ({type(problem).__name__}: {problem})",
            where=str(folder),
            cure="read it with the firemarshal that ran it; line 1 of a journal names its version",
        ) from problem
    except OSError as problem:
        raise BadInput(
            f"a report cannot be written: {problem.strerror}",
            where=str(problem.filename or folder),
            cure="make room, or name a folder that you may write to",
        ) from None
