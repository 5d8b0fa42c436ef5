"""What a report needs from outside its run folder, kept in it while the run still knows it.

A report made again years later must have the same bytes: so plans and earlier runs are never read
then, only here, at the end of the run.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from firemarshal import plan
from firemarshal.drill import sha256
from firemarshal.reports import story

LOOK_BACK_RUNS = 50
Json = dict[str, Any]


def keep(folder: Path, plan_folders: Iterable[Path]) -> list[Path]:
    """Write `clauses.json` and `previous.json` into a run folder; call it once, after the drills.

    Clauses are kept only if the plans are still those that the drills were compiled with.
    """
    run = story.read_run(folder)
    return [
        _write(folder / "clauses.json", _clauses(run, plan.load_all(plan_folders))),
        _write(folder / "previous.json", _previous(run)),
    ]


def _clauses(run: story.Run, plans: plan.Plans) -> Json:
    known = sha256(sorted(plans.hashes.items()))
    wanted = {
        clause
        for one in run.drills
        if one.drill["hashes"].get("plans") == known
        for clause in one.drill["clauses"]
    }
    names = {one.id: f"{one.name}, version {one.version}" for one in plans}
    found = {clause.id: clause for one in plans for clause in one.clauses if clause.id in wanted}
    return {
        "schema": "firemarshal/clauses/1",
        "clauses": {
            name: {
                "text": one.text,
                "plan": names[one.plan],
                "source": one.source,
                "status": one.status,
                "owner": one.owner,
                "severity": one.severity,
                "every": one.every,
                "objectives": [
                    {"kind": each.kind, "limit": each.limit, "when": each.when}
                    for each in one.objectives
                ],
            }
            for name, one in sorted(found.items())
        },
    }


def _previous(run: story.Run) -> Json:
    """The newest earlier pass of each drill on the same target, with what can be compared."""
    wanted = {one.drill["id"] for one in run.drills if one.drill["id"]}
    found: Json = {}
    for folder in _earlier(run.folder):
        if not wanted:
            break
        earlier = story.read_run(folder)
        if earlier.target != run.target:
            continue
        for one in earlier.drills:
            name = one.drill["id"]
            if name in wanted and one.folder and one.result["as_expected"]:
                found[name] = {"run": earlier.id, **comparable(one)}
                wanted.discard(name)
    return {"schema": "firemarshal/previous/1", "drills": found}


def comparable(drill: story.Drill) -> Json:
    """What of a drill can be held against another run of it."""
    opened = drill.first("opened") or {}
    about = opened.get("about", {})
    return {
        "utc": opened.get("utc", ""),
        "promises": {
            one["id"]: {key: one[key] for key in ("text", "limit", "lower", "upper", "unit")}
            for one in drill.promises
        },
        "facts": {
            **{f"{name} file": value for name, value in drill.drill["hashes"].items()},
            **{
                f"fault {name}": one.get("sha256", "")
                for name, one in drill.drill["faults"].items()
            },
            "commit": about.get("commit", ""),
            "host": about.get("host", ""),
            **{f"version of {name}": value for name, value in about.get("versions", {}).items()},
        },
        "captured": {system: captured(drill, system)[0] for system in drill.drill["systems"]},
    }


def captured(drill: story.Drill, system: str) -> tuple[Json, Json]:
    """The system's configuration before and after, flat: "members.orders-1.role" -> "primary"."""
    seen = [one["output"] for one in drill.calls(f"capture {system}") if one["status"] == "done"]
    before = dict(flat(seen[0])) if seen else {}
    return before, dict(flat(seen[-1])) if len(seen) > 1 else {}


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf with its dotted name; members of lists go by their own name."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield from flat(value[key], f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value and all(_named(one) for one in value):
        for one in value:
            rest = {key: each for key, each in one.items() if key != "name"}
            yield from flat(rest, f"{name}.{one['name']}")
    elif isinstance(value, list):
        yield name, ", ".join(str(one) for one in value) or "none"
    else:
        yield name, str(value)


def _named(one: Any) -> bool:
    return isinstance(one, dict) and "name" in one


def _earlier(folder: Path) -> list[Path]:
    """Earlier runs beside this one, newest first; a run's name begins with its time."""
    beside = [
        one
        for one in folder.parent.iterdir()
        if one.name < folder.name and not one.is_symlink() and (one / "run.json").exists()
    ]
    return sorted(beside, reverse=True)[:LOOK_BACK_RUNS]


def _write(path: Path, value: Json) -> Path:
    new = path.with_suffix(".new")
    new.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    new.replace(path)
    return path
