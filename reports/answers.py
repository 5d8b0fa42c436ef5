"""The first screen's three answers: what was promised, what happened, is the system clean."""

from typing import Any

from firemarshal.reports import changes, people, story, telling, words

MOST_CHANGES = 4
MOST_NAMES = 3
WORST_AFTER = ("NOT CLEAN", "unknown", "changed", "as found")
AFTER = {
    "as found": "Clean: healthy and as it was found",
    "changed": "Clean: healthy, but changed",
    "NOT CLEAN": "NOT CLEAN: something of the drill still stands",
    "unknown": "Unknown: nobody could look",
}
SIGNS = {"as found": "✓", "changed": "✓", "NOT CLEAN": "✗", "unknown": "?"}
Json = dict[str, Any]


def of(run: story.Run) -> Json:
    """What the template shows right below the verdict."""
    state, named = after(run)
    return {
        "promised": promised(run),
        "happened": happened(run),
        "sign": SIGNS[state],
        "state": state,
        "now": now(run, state, named),
    }


def promised(run: story.Run) -> list[str]:
    """The one clause that was drilled, in its own words; of several, how many and which."""
    real = [one for one in run.drills if not one.control]
    promises = [promise for one in real for promise in one.promises]
    named = list(dict.fromkeys(one["clause"] for one in promises if one["clause"]))
    quote = run.clauses.get(named[0], {}).get("text", "") if len(named) == 1 else ""
    if quote and len(real) == 1:
        return [f"“{quote}”", f"{named[0]}, {run.clauses[named[0]]['plan']}"]
    if not promises:
        return ["Nothing: no drill of this run judges a promise."]
    number = f"{len(promises):,} promise{'s' if len(promises) > 1 else ''}"
    drills = f"{len(real):,} drill{'s' if len(real) > 1 else ''}"
    if not named:
        return [f"{number} in {drills}, all of the drills' own."]
    shown = ", ".join(named[:12]) + (f" and {len(named) - 12} more" if len(named) > 12 else "")
    return [f"{number} in {drills}, under clause{'s' if len(named) > 1 else ''} {shown}."]


def happened(run: story.Run) -> str:
    """What was done to the system, where it was one thing; how many drills came out how."""
    real = [one for one in run.drills if not one.control and one.t0]
    waited = sum(people.deciding_us(each) for one in real for each in one.recoveries)
    told = f"{counts(run)} {_waited(waited)}".strip()
    if len(real) != 1 or not (done := telling.disaster(real[0])):
        return told
    line = real[0].first("disaster") or real[0].first("clock starts") or {"utc": ""}
    return f"{done[0].upper()}{done[1:]}, {telling.utc(line['utc'])}. {told}"


def _waited(us: int) -> str:
    return f"Questions to people were open for {words.fine(us)} in all." if us else ""


def counts(run: story.Run) -> str:
    """How many drills came out how, in one sentence."""
    told = []
    for verdict in telling.SIGNS:
        plain = [one for one in run.drills if one.verdict == verdict and not one.control]
        if plain:
            told.append(f"{len(plain):,} {verdict}")
    controls = [one for one in run.drills if one.control]
    if controls:
        told.append(_controls(sum(one.result["as_expected"] for one in controls), len(controls)))
    return f"{len(run.drills):,} drill{'s' if len(run.drills) != 1 else ''}: {', '.join(told)}."


def _controls(good: int, of: int) -> str:
    if of == 1:
        return f"its negative control came out {'as it must' if good else 'wrong'}"
    many = f"{good:,} of {of:,}" if good < of else f"all {of:,}"
    return f"{many} negative controls came out as they must"


def after(run: story.Run) -> tuple[str, list[str]]:
    """The worst state that a drill left its target in, and which drills did."""
    states = {one.result["target_after"] for one in run.drills} or {"unknown"}
    worst = next((one for one in WORST_AFTER if one in states), "unknown")
    named = [one.name for one in run.drills if one.result["target_after"] == worst]
    return worst, named if worst != "as found" else []


def now(run: story.Run, state: str, named: list[str]) -> str:
    """What the system is like after all drills, and what differs or who left it so."""
    if state == "changed":
        return _list(AFTER[state], changes.of_run(run), MOST_CHANGES)
    if state == "as found" or not named:
        return f"{AFTER[state]}."
    told = _list(f"{AFTER[state]}. Left so by", named, MOST_NAMES, "")
    return f"{told} What stands: firemarshal status --target {run.target}"


def _list(head: str, items: list[str], most: int, colon: str = ":") -> str:
    if not items:
        return f"{head}."
    rest = f" and {len(items) - most:,} more" if len(items) > most else ""
    return f"{head}{colon} {'; '.join(items[:most])}{rest}."
