"""Which run a person means, and whether this version can read it; mistakes end in exit code 4."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from firemarshal import drill
from firemarshal.bad_input import BadInput, did_you_mean
from firemarshal.reports import story

LATEST = "latest"
RUN_SCHEMA = "firemarshal/run/1"
Json = dict[str, Any]


def find(runs: Path, wanted: str) -> Path:
    """The run folder of a run id, a path, or `latest`; BadInput when there is none."""
    for path in (runs / wanted, Path(wanted)):
        if wanted and path.is_dir():
            return path.resolve()
    if Path(wanted).is_file():
        raise BadInput(
            "is a file, a run is a folder", where=wanted, cure="name the folder it lies in"
        )
    known = sorted(one.name for one in runs.glob("*/") if one.name != LATEST)
    raise BadInput(
        f"there is no run {wanted!r}",
        where=str(runs),
        cure=did_you_mean(wanted, known)
        or (f"the newest is {known[-1]!r}" if known else "no run has left a folder here yet"),
    )


def load(folder: Path) -> story.Run:
    """Read a run; BadInput when it is none, or was written in another schema than ours."""
    for name in _begun(folder):
        _check_verdict(folder / name / "verdict.json")
    plan = _object(folder / "run.json")
    if plan is not None:
        _check_plan(folder / "run.json", plan)
    with readable(str(folder)):
        run = story.read_run(folder)
    if not run.drills:
        raise BadInput(
            "holds neither run.json nor the journal of a drill",
            where=str(folder),
            cure="name a folder below runs/",
        )
    return run


@contextmanager
def readable(where: str) -> Iterator[None]:
    """Whatever means nothing to this version, in files that others wrote, becomes BadInput."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
        raise BadInput(
            f"holds what this version cannot read ({type(problem).__name__}: {problem})",
            where=where,
            cure="read it with the firemarshal that ran it; line 1 of a journal names its version",
        ) from problem


def pick(run: story.Run, wanted: str) -> list[story.Drill]:
    """The drills that a number, a folder or a part of the name means; all of them for ""."""
    exact = [one for one in run.drills if wanted in (str(one.number), one.key, one.name)]
    found = exact or [one for one in run.drills if wanted.lower() in one.name.lower()]
    if not found:
        names = [one.name for one in run.drills]
        known = "; ".join(f"{one.number} {one.name}" for one in run.drills)
        raise BadInput(
            f"no drill is called {wanted!r}",
            where=f"run {run.id}",
            cure=did_you_mean(wanted, names) or f"it has: {known}",
        )
    return found


def _begun(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.is_dir())


def _check_plan(path: Path, plan: Json) -> None:
    _check_schema(path, plan, RUN_SCHEMA)
    planned = plan.get("drills")
    if not isinstance(planned, list) or not all(_is_planned(one) for one in planned):
        raise BadInput("names no drills", where=str(path), cure="read the journals by hand")
    for one in planned:
        _check_schema(path, one["drill"], drill.SCHEMA)


def _is_planned(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(one.get("folder"), str)
        and isinstance(one.get("drill"), dict)
    )


def _check_verdict(path: Path) -> None:
    left = _object(path)
    if left is not None and isinstance(left.get("drill"), dict):
        _check_schema(path, left["drill"], drill.SCHEMA)


def _check_schema(path: Path, value: Json, wanted: str) -> None:
    if value.get("schema") != wanted:
        raise BadInput(
            f"was written in schema {value.get('schema')!r}, this version reads {wanted!r}",
            where=str(path),
            cure="read it with the firemarshal that ran it; line 1 of a journal names its version",
        )


def _object(path: Path) -> Json | None:
    """The object in a file; None when it is missing or cut short, which the story tells."""
    try:
        value = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return value if isinstance(value, dict) else None
