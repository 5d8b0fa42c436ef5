"""Journal lines and verdicts in words, so that every report says one thing in one way."""

from collections.abc import Callable
from typing import Any

import orjson

from firemarshal import duration
from firemarshal.clock import seconds_text
from firemarshal.journal import Line
from firemarshal.verdict import Interval

Json = dict[str, Any]
LONGEST = 160
FALSE_CLAIMS = "false claims"


def in_words(line: Line) -> str:
    """One line of a journal as a sentence; an event that nobody has words for tells its facts."""
    teller = _WORDS.get(str(line.get("event")), _facts)
    try:
        return _short(teller(line))
    except (KeyError, TypeError, AttributeError, IndexError):
        return _short(_facts(line))  # a line of another version still has to be shown


def measured(promise: Json) -> str:
    """A figure with its error bars, and what it must never be told without."""
    if promise["lower"] is None:
        return "nothing was measured"
    if promise["unit"] == FALSE_CLAIMS:
        return "no claim" if promise["upper"] is None else _claims(promise["upper"])
    if promise.get("kind") == "step" and promise["upper"] is None:
        lower = promise["lower"]
        return f"not done after {seconds_text(lower)}" if lower else "not begun"
    interval = Interval(promise["lower"], promise["upper"], promise["unit"])
    text = interval.text(promise.get("open_because") or "still down")
    return f"{text} ({promise['note']})" if promise["note"] else text


def limit(promise: Json) -> str:
    """What a promise allows, as the plan would write it."""
    if promise["unit"] == "us":
        return duration.text(promise["limit"] / 1_000_000)
    if promise["unit"] == FALSE_CLAIMS:
        return _claims(promise["limit"])
    return f"{promise['limit']:,} {promise['unit']}"


def _claims(count: int) -> str:
    return f"{count:,} false claim{'s' if count > 1 else ''}" if count else "no false claim"


def fine(us: int) -> str:
    """A duration that may be far below a second: "1.3 ms" instead of "0.001 s"."""
    return f"{us / 1000:.1f} ms" if abs(us) < 1_000_000 else seconds_text(us)


def state_after(result: Json) -> str:
    """What is left of the target: the first line of every message."""
    why = "; ".join([*result["standing"], *_beside(result)])
    return f"target after: {result['target_after']}" + (f" ({why})" if why else "")


def verdict(result: Json, control: bool) -> str:
    """The verdict with its reason; a control says whether it came out as it had to."""
    if control and result["as_expected"] and result["verdict"] != "NOT RUN":
        return str(result["expectation"])
    text = f"{result['verdict']}: {result['why'] or result['expectation']}"
    told = control and result["verdict"] != "NOT RUN"
    return f"{text}; negative control: {result['expectation']}" if told else text


def moment(at_us: int, since_us: int) -> str:
    """A moment relative to the disaster, with its sign."""
    return f"{'-' if at_us < since_us else '+'}{seconds_text(abs(at_us - since_us))}"


def _beside(result: Json) -> list[str]:
    return [one for one in result["target_after_why"] if one not in result["standing"]]


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= LONGEST else one_line[: LONGEST - 4] + " ..."


def _facts(line: Line) -> str:
    hidden = ("seq", "prev", "at_us", "utc", "writer", "event", "file")
    facts = " ".join(f"{key}={value}" for key, value in line.items() if key not in hidden)
    return f"{line.get('event', 'a line without event')} {facts}".rstrip()


def _opened(line: Line) -> str:
    if "about" not in line:
        return f"another process begins to heal {line['system']}: {', '.join(line['undos'])}"
    about = line["about"]
    dirty = ", tree not clean" if about["dirty"] else ""
    return (
        f"opened by {about['operator']} on {about['host']}, "
        f"firemarshal {about['versions']['firemarshal']}, commit {about['commit'][:12]}{dirty}"
    )


def _called(line: Line) -> str:
    took = fine(line["after_us"] - line["before_us"])
    if line["status"] == "done":
        said = "" if line["output"] is None else f": {orjson.dumps(line['output']).decode()}"
        return f"{line['activity']}: done in {took}{said}"
    return f"{line['activity']}: {line['status']} after {took}: {line['error']}"


def _baseline(line: Line) -> str:
    normal = f"{line['ok']:,} of {line['attempts']:,} attempts answered"
    noisy = f"; too uneven: {line['noisy']}" if line["noisy"] else ""
    return f"normal is: {normal}, 95 % within {fine(line['p95_us'])}{noisy}"


def _disaster(line: Line) -> str:
    earliest, latest = line["t0"]
    return f"the disaster has struck; T0 is known to {fine(latest - earliest)}"


def _watched(line: Line) -> str:
    state = "answering" if line["answering"] else "not answering"
    calm = "" if line["calm"] else ", not calm"
    return f"watched: {state}{calm}" + (", gave up" if line["gave_up"] else "")


def _measured(line: Line) -> str:
    if line["kind"] == "loss":
        return f"measured: {line['text']}"
    interval = Interval(line["lower_us"], line["upper_us"]).text()
    return f"measured: {line['reason']}: {interval}; {line['bad']:,} bad attempts"


def _judged(line: Line) -> str:
    promise = line["promise"]
    clause = f" ({promise['clause']})" if promise["clause"] else ""
    return f"judged {line['verdict']}: {promise['text']}{clause}: {line['reason']}"


def _result(line: Line) -> str:
    if "verdict" not in line:
        return (
            f"healed by another process; still stands: {', '.join(line['standing']) or 'nothing'}"
        )
    return f"result: {line['verdict']}, target after: {line['target_after']}"


def _ended(line: Line) -> str:
    claimed = f"says {line['claimed']}" if line["claimed"] else "says nothing of its success"
    return f"{line['kind']} {line['name']!r} ended: {claimed}" + (
        f": {line['why']}" if line["why"] else ""
    )


def _redundancy(line: Line) -> str:
    if line["back"]:
        return f"all members of {line['system']} follow again after {line['after']}"
    return f"members of {line['system']} do not follow after {line['after']}: {line['why']}"


def _steady(line: Line) -> str:
    healthy = {True: "healthy", False: "NOT healthy"}.get(line["healthy"], "nobody could tell")
    why = "; ".join(line["why"])
    return f"{line['system']} afterwards: {healthy}" + (f": {why}" if why else "")


_WORDS: dict[str, Callable[[Line], str]] = {
    "opened": _opened,
    "step": lambda line: f"{line['keyword'].capitalize()} {line['text']}",
    "called": _called,
    "recording": lambda line: f"{line['client']!r} of {line['system']} begins to watch",
    "baseline": _baseline,
    "aimed": lambda line: f"aimed {line['fault']} at {_names(line['victims'])}",
    "undo written": lambda line: f"undo of {line['fault']} is on disk, before the harm",
    "injected": lambda line: f"injected {line['fault']} into {line['system']}",
    "not injected": lambda line: f"{line['fault']} could not be injected: {line['why']}",
    "bit": lambda line: f"{line['fault']} bites: {line['seen']}",
    "did not bite": lambda line: f"{line['fault']} did NOT bite: {line['seen']}",
    "disaster": _disaster,
    "watching": lambda line: f"watching for {line['until']} at most",
    "watched": _watched,
    "healed": lambda line: f"healed {line['fault']} on {line['system']}, and proved",
    "redundancy": _redundancy,
    "calm": lambda line: (
        "watched for one window more, because of what healing did"
        if line["again"]
        else "nothing was left to heal, so nothing could be disturbed after the watch"
    ),
    "phases": lambda line: f"the system's own account: {_names(line['phases']) or 'nothing'}",
    "measured": _measured,
    "judged": _judged,
    "ended": lambda line: f"ended: {line['verdict']} ({line['code']}): {line['why']}",
    "stopped": lambda line: f"stopped ({line['code']}): {line['why']}",
    "defect": lambda line: f"a defect of firemarshal: {line['why']}",
    "steady state": _steady,
    "result": _result,
    "sealed": lambda line: "sealed",
    "guard": lambda line: (
        f"guard {line['name']!r}: " + (f"no: {line['no']}" if line["no"] else "nothing against it")
    ),
    "as rehearsed": lambda line: f"{line['fault']} meets the victims rehearsed {line['rehearsed']}",
    "not as rehearsed": lambda line: f"{line['fault']}, not as rehearsed: {line['why']}",
    "undo was gone": lambda line: f"the undo of {line['fault']} was gone from disk; written again",
    "recovery begins": lambda line: f"{line['recovery']} begins",
    "recovery proved": lambda line: f"{line['recovery']} is proved: {line['seen']}",
    "recovery ended": _ended,
    "runbook ended": _ended,
    "clock starts": lambda line: "the clock starts here, without a disaster before it",
    "step begins": lambda line: f"{line['step']} begins, owner: {line['owner'] or 'nobody named'}",
    "step ended": lambda line: f"{line['id']}: {line['outcome']}: {line['answer']}",
    "paged": lambda line: f"{line['owner']} is called: {line['seen']}",
    "stragglers": lambda line: f"ended what was left of verbs: {line['ended'] or 'nothing'}",
}


def _names(found: list[Json]) -> str:
    return ", ".join(str(one["name"]) for one in found)
