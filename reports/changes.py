"""What differs: before and after a drill, and between a drill and its last pass."""

import re
from typing import Any

from firemarshal.reports import beside, story, telling
from firemarshal.verdict import Interval

MOST_DRILLS = 40
MOST_ROWS = 1000
HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b")
Json = dict[str, Any]


def left_changed(one: story.Drill) -> list[str]:
    """What the drill left changed, member by member; the journal's own words where it has none."""
    told: list[str] = []
    if one.result["target_after"] not in ("as found", "changed"):
        told += [str(each) for each in one.result["target_after_why"]]
    for system in one.drill["systems"]:
        before, after = beside.captured(one, system)
        if after:
            told += [f"{system}: {each}" for each in _differences(before, after)]
    return told or [str(each) for each in one.result["target_after_why"]]


def of_run(run: story.Run) -> list[str]:
    """What all drills together left changed: the first capture of the run against the last."""
    if len(run.drills) > MOST_DRILLS:
        return []
    first: dict[str, Json] = {}
    last: dict[str, Json] = {}
    for one in run.drills:
        for system in one.drill["systems"]:
            before, after = beside.captured(one, system)
            if before:
                first.setdefault(system, before)
            if after:
                last[system] = after
    return [
        f"{system}: {each}"
        for system in sorted(last)
        for each in _differences(first[system], last[system])
    ]


def _differences(before: Json, after: Json) -> list[str]:
    gone, come = before.keys() - after.keys(), after.keys() - before.keys()
    told = [
        f"{key}: {before[key]} → {after[key]}"
        for key in sorted(before.keys() & after.keys())
        if before[key] != after[key]
    ]
    for keys, word in ((gone, "no longer there"), (come, "new")):
        groups = sorted({key.rpartition(".")[0] or key for key in keys})
        told += [f"{key}: {word}" for key in groups]
    return told


def since_last_pass(run: story.Run, one: story.Drill) -> Json | None:
    """This drill against its last pass; None where `previous.json` names none."""
    earlier = run.previous.get(one.drill["id"])
    if not earlier:
        return None
    now = beside.comparable(one)
    figures = [
        {
            "text": each["text"],
            "then": _figure(earlier["promises"].get(name)),
            "now": _figure(each),
        }
        for name, each in now["promises"].items()
    ]
    facts = [HASH.sub(r"\1", each) for each in _differences(earlier["facts"], now["facts"])]
    for system, captured in now["captured"].items():
        old = earlier["captured"].get(system, {})
        facts += [f"{system}: {each}" for each in _differences(old, captured)] if old else []
    return {
        "run": earlier["run"],
        "utc": telling.utc(earlier["utc"]),
        "figures": figures,
        "facts": facts,
    }


def _figure(one: Json | None) -> str:
    if one is None or one["lower"] is None:
        return "not measured"
    return Interval(one["lower"], one["upper"], one["unit"]).text()


def configuration(one: story.Drill) -> list[Json]:
    """Each system's identity and its settings, before and after."""
    found = []
    for system in one.drill["systems"]:
        before, after = beside.captured(one, system)
        keys = sorted(before.keys() | after.keys())
        rows = [
            (key, before.get(key, "nothing"), after.get(key, "nothing" if after else ""))
            for key in keys
        ]
        identity = one.calls(f"identify {system}")
        done = identity and identity[0]["status"] == "done"
        said = [*beside.flat(identity[0]["output"])] if done else []
        found.append({"system": system, "identity": said, "rows": rows[:MOST_ROWS]})
    return found
