"""The promises of a run by clause: what the plan says, what each drill measured, what was kept."""

from typing import Any

from firemarshal.reports import story, telling, words

MOST_ROWS = 1000
STEP = "step"
BAD_FIRST = {"missed": 0, "unknown": 1, "not judged": 2, "met": 3, "not run": 4}
Json = dict[str, Any]


def groups(run: story.Run, detailed: set[str]) -> list[Json]:
    """One group a clause with its rows, bad ones first; the drills' own numbers come last.

    Controls promise nothing, and steps of runbooks that were done in time stand in their drill.
    """
    found: dict[str, list[Json]] = {}
    for one in run.drills:
        for promise in () if one.control else one.promises:
            if promise["kind"] != STEP or promise["verdict"] != "met":
                found.setdefault(promise["clause"], []).append(row(run, one, promise, detailed))
    told = [_group(run, name, rows) for name, rows in found.items()]
    return _at_most(MOST_ROWS, sorted(told, key=lambda one: (one["worst"], not one["clause"])))


def steps_in_time(run: story.Run) -> int:
    """How many steps of runbooks were done in their time, so that no list has to hold them."""
    return sum(
        promise["kind"] == STEP and promise["verdict"] == "met"
        for one in run.drills
        if not one.control
        for promise in one.promises
    )


def row(run: story.Run, one: story.Drill, promise: Json, detailed: set[str]) -> Json:
    """A promise with its measurement; linked where `detailed` holds its drill's key."""
    figure, _, because = words.measured(promise | {"note": ""}).partition(" (")
    return {
        "clause": promise["clause"],
        "step": promise["text"],
        "own": "the runbook's own" if promise.get("of") else "the drill's own number",
        "drill": one.name,
        "anchor": one.anchor if one.key in detailed else "",
        "target": words.limit(promise),
        "measured": figure,
        "note": "; ".join(one for one in (because.removesuffix(")"), promise["note"]) if one),
        "margin": telling.margin(promise),
        "verdict": promise["verdict"] if promise["seq"] else _not_judged(one),
        "reason": "" if promise["reason"] == promise["note"] else promise["reason"].split(":")[0],
        "seq": promise["seq"],
    }


def _group(run: story.Run, name: str, rows: list[Json]) -> Json:
    clause = run.clauses.get(name, {})
    ordered = sorted(rows, key=lambda one: BAD_FIRST.get(one["verdict"], len(BAD_FIRST)))
    kept = sum(one["verdict"] == "met" for one in rows)
    return {
        "clause": name,
        "quote": clause.get("text", ""),
        "plan": clause.get("plan", ""),
        "severity": clause.get("severity", ""),
        "every": clause.get("every", ""),
        "kept": kept,
        "of": len(rows),
        "worst": BAD_FIRST.get(ordered[0]["verdict"], len(BAD_FIRST)),
        "rows": ordered,
    }


def _at_most(most: int, found: list[Json]) -> list[Json]:
    kept = []
    for one in found:
        if most > 0:
            kept.append(one | {"rows": one["rows"][:most]})
        most -= len(one["rows"])
    return kept


def _not_judged(one: story.Drill) -> str:
    return "not run" if one.verdict == story.NOT_RUN else "not judged"
