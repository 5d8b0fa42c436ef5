"""The page's sentences: what was promised, what happened, and what is left of the target.

Every sentence is made from the run folder; what is not known is said to be unknown, never left out.
"""

import re
from typing import Any

from firemarshal.clock import seconds_text
from firemarshal.codes import CODES
from firemarshal.measure import percent
from firemarshal.reports import people, words
from firemarshal.reports.story import NO_VERDICT, NOT_RUN, Drill, Run
from firemarshal.verdict import Interval

SIGNS = {
    "PASSED": "✓",
    "FAILED": "✗",
    "INVALID": "?",
    "ABORTED": "!",
    NOT_RUN: "○",
    NO_VERDICT: "…",
    "met": "✓",
    "missed": "✗",
    "unknown": "?",
}
BAD_ORDER = (NO_VERDICT, "ABORTED", "FAILED", "INVALID", "PASSED", NOT_RUN)
Json = dict[str, Any]


def disaster(drill: Drill) -> str:
    """The When of a drill in the past, as a clause that begins a sentence.

    Where several stand, it is the disaster's; what people then did has its own sentences.
    """
    whens = [one for one in drill.drill["steps"] if one["keyword"] == "when"]
    struck = [one for one in whens if one["declaration"].get("declares") == "Disaster"]
    return " and ".join(_in_the_past(one["text"]) for one in struck or whens)


def _in_the_past(text: str) -> str:
    return re.sub(r"\bare\b", "were", re.sub(r"\bis\b", "was", text, count=1))


def sentence(drill: Drill, only: Json | None = None) -> str:
    """What happened in one or two sentences, with the number and the promise, or `only` one."""
    judged = [one for one in drill.promises if one["seq"] and (only is None or one == only)]
    if not judged or drill.verdict in ("ABORTED", NOT_RUN, NO_VERDICT):
        return _ended(drill)
    told: list[str] = [people.contradiction(drill), people.stopped(drill) if only is None else ""]
    notes: list[str] = []
    for one in sorted(judged, key=_order):
        teller = _TELLERS.get(one["kind"])
        told.append(teller(drill, one) if teller else _of_loss(drill, one, notes))
    return " ".join(dict.fromkeys(one for one in told if one))


def _order(one: Json) -> tuple[bool, int]:
    """What was missed first, then what customers felt before what people did."""
    kinds = ("rto", "recovery")
    place = kinds.index(one["kind"]) if one["kind"] in kinds else len(kinds)
    return one["verdict"] != "missed", place


def _ended(drill: Drill) -> str:
    """Why nothing can be said about the system: what the code means, and what was seen."""
    code, why = CODES.get(drill.result["code"]), str(drill.result["why"])
    seen = why or str(drill.result["expectation"])
    if code is None:
        return f"Nothing is said about the system: {seen.rstrip('.')}."
    beside = f" ({seen.rstrip('.')})" if seen and seen != code.sentence else ""
    return f"Nothing is said about the system: {code.sentence}{beside}."


def _of_rto(drill: Drill, one: Json) -> str:
    match = re.match(r"(\w+) return\b", one["text"])
    who = f"{match[1].capitalize()} were" if match else "Customers were"
    when, promised = disaster(drill), promised_by(one)
    if one["verdict"] == "unknown" and not (one["upper"] is None and one["lower"]):
        return f"Nobody can say whether the promise holds: {one['reason']} (after {when})."
    interval = Interval(one["lower"], one["upper"])
    line = drill.first("measured", kind="rto")
    if line and not went_down(line):
        went = f"{match[1].capitalize()} went" if match else "Service went"
        return f"{went} on as before when {when}; {promised}."
    if one["upper"] is None:
        because = one.get("open_because") or "still down"
        early = ", so nobody can say whether it holds" if one["verdict"] == "unknown" else ""
        text = f"{who} not back {seconds_text(one['lower'])} after {when} ({because}); {promised}"
        return f"{text}{early}."
    back = "back" if match else "served again"
    back += " only" if one["verdict"] == "missed" else ""
    return f"{who} {back} {interval.text()} after {when}; {promised}."


def _of_recovery(drill: Drill, one: Json) -> str:
    """When it was proved that the recovery had brought the service back, by another road."""
    since = drill.origin if drill.first("disaster") else "it began"
    promised = promised_by(one)
    if one["verdict"] == "unknown":
        return f"Nobody can say when the recovery was done: {one['reason']}."
    if one["upper"] is None:
        because = one.get("note") or one["reason"]
        return f"No recovery was proved {seconds_text(one['lower'])} after {since} ({because})."
    measured = Interval(one["lower"], one["upper"]).text()
    return f"The recovery was proved {measured} after {since}; {promised}."


def _of_step(drill: Drill, one: Json) -> str:
    """Where a runbook stopped is told of the whole of it; a step without one speaks for itself."""
    if one["verdict"] == "met" or drill.recoveries:
        return ""
    return f"{one['text']}: {one['reason']}."


_of_claim = _of_step  # a contradiction stands before everything else

_TELLERS = {"rto": _of_rto, "recovery": _of_recovery, "step": _of_step, "claim": _of_claim}


def _of_loss(drill: Drill, one: Json, notes: list[str]) -> str:
    """The loss as counted; a further promise about the same loss is told without counting again."""
    counted, first = _counted(drill), not notes
    notes.append(one["id"])
    if one["verdict"] == "unknown":
        return f"{counted if first else ''} Whether too much is lost, {one['reason']}.".strip()
    lost = one["upper"] is None or one["upper"] > 0
    work = (
        f", {words.measured(one | {'note': ''})} of work" if one["kind"] == "rpo" and lost else ""
    )
    if not first and not lost:
        return ""
    if not first or not counted:
        return f"{'As work lost' if one['kind'] == 'rpo' else 'As writes lost'}: {one['reason']}."
    return f"{counted}{work}; {promised_by(one)}."


def _counted(drill: Drill) -> str:
    found = drill.first("measured", kind="loss")
    if found is None:
        return ""
    lost, of = f"{found['lost']:,}" if found["lost"] else "None", f"{found['acknowledged']:,}"
    were = "was" if found["lost"] == 1 else "were"
    looked = f"looking back {seconds_text(found['look_back_us'])}"
    ours = found.get("lost_after_heal", 0)
    whose = f", {ours:,} of them acknowledged after our healing began" if ours else ""
    return f"{lost} of {of} acknowledged writes {were} lost ({looked}){whose}"


def promised_by(one: Json) -> str:
    """The promise that a figure is held against, and by whom it was made."""
    limit = words.limit(one)
    if not one["clause"] or one["clause_limit"] is None:
        return f"the drill demands {_at_most(one, limit)}"
    if one["limit"] != one["clause_limit"]:
        plan = words.limit(one | {"limit": one["clause_limit"]})
        return f"the drill demands {limit}, the plan {plan}"
    promises = one["kind"] in ("rto", "recovery")
    return f"the plan promises {limit}" if promises else f"the plan allows {limit}"


def _at_most(one: Json, limit: str) -> str:
    lossless = one["kind"] in ("rpo", "lost") and not one["limit"]
    return f"no loss ({limit})" if lossless else f"at most {limit}"


def margin(one: Json) -> str:
    """How much of the limit the worst end left, or by how much it was overrun."""
    limit, upper, lower = one["limit"], one["upper"], one["lower"]
    if not one["seq"] or one["verdict"] == "unknown" or lower is None:
        return "not known"
    if one["verdict"] == "missed" and upper is None and lower <= limit:
        return "none: never done"
    if one["verdict"] == "missed":
        over = lower - limit
        least = seconds_text(over) if one["unit"] == "us" else f"{over:,}"
        return f"over by {least} or more"
    if not limit:
        return "none needed"
    left = limit - upper
    text = seconds_text(left) if one["unit"] == "us" else f"{left:,}"
    return f"{100 * left / limit:.1f} % ({text})"


def headline(run: Run) -> tuple[str, str, str]:
    """(sign, verdict, sentence) of the run: bad news first, else the narrowest promise kept."""
    if not run.drills:
        return SIGNS[NO_VERDICT], NO_VERDICT, "No drill left anything in this folder."
    dirty = [one for one in run.drills if one.result["target_after"] == "NOT CLEAN"]
    if dirty:
        return "✗", "NOT CLEAN", f"{dirty[0].name!r} left something behind. {sentence(dirty[0])}"
    real = [one for one in run.drills if not one.control and one.verdict != NOT_RUN]
    red = [one for one in run.drills if not one.result["as_expected"]]
    forgiven = [one for one in red if one.verdict == NOT_RUN and real and run.environment == "lab"]
    if len(red) > len(forgiven):
        return _bad_news([one for one in red if one not in forgiven], len(run.drills))
    if real:
        verdict = f"PASSED, {len(forgiven):,} NOT RUN" if forgiven else "PASSED"
        return SIGNS["PASSED"], verdict, _good_news(real)
    if any(one.verdict != NOT_RUN for one in run.drills):
        return "✓", "CONTROLS ONLY", "Only negative controls ran, and they came out as they must."
    return SIGNS[NOT_RUN], NOT_RUN, sentence(run.drills[0])


def _bad_news(red: list[Drill], of: int) -> tuple[str, str, str]:
    """The worst of it in full; a false claim of success before others of the same verdict."""
    worst = min(red, key=lambda one: (BAD_ORDER.index(one.verdict), not people.contradiction(one)))
    if worst.control:
        text = f"A control came out wrong: {worst.result['expectation']}."
        return "✗", "INSTRUMENT WRONG", f"{text} No figure of this run can be trusted."
    many = f"{len(red):,} of {of:,} drills did not come out as they must. " if len(red) > 1 else ""
    if of > 1:
        many += f"{worst.name!r}: "
    return SIGNS[worst.verdict], worst.verdict, many + sentence(worst)


def _good_news(real: list[Drill]) -> str:
    """What one drill found; of several, that all was kept, and the promise kept most narrowly."""
    if len(real) == 1:
        return sentence(real[0])
    kept = sum(one["seq"] > 0 for drill in real for one in drill.promises)
    drill, promise = min(
        ((drill, one) for drill in real for one in drill.promises if one["seq"]),
        key=lambda pair: _share_left(pair[1]),
        default=(real[0], None),
    )
    nearest = sentence(drill, promise)
    told = f"All {kept:,} promises of {len(real):,} drills were kept."
    return f"{told} The closest call: {_lower(nearest)}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _share_left(one: Json) -> float:
    """The part of the limit that was left; a limit of zero that was kept leaves nothing to fear."""
    if not one["limit"] or one["upper"] is None:
        return 1.0
    return float((one["limit"] - one["upper"]) / one["limit"])


def gone(drill: Drill) -> list[str]:
    """How long customers were not served, and what they lost, each in a few words for a list."""
    line, loss = drill.first("measured", kind="rto"), drill.first("measured", kind="loss")
    if line is None or not drill.t0:
        return []
    lost = loss["lost"] if loss else 0
    told = [f"{lost:,} write{'s' if lost > 1 else ''} lost"] if lost else []
    if not went_down(line):
        return ["served as before", *told]
    if line["upper_us"] is None:
        return [f"not back in {seconds_text(line['lower_us'])}", *told]
    return [Interval(line["lower_us"], line["upper_us"]).text(), *told]


def went_down(rto: Json) -> bool:
    """Whether any attempt went wrong before customers were back, by the journal's measurement."""
    first, back = rto["first_bad_us"], rto["not_after_us"]
    return bool(rto["bad"] and first and (back is None or first < back))


def served(total: Json) -> str:
    """The share of attempts that were answered, as people write it."""
    tried = sum(total[key] for key in ("ok", "failed", "unanswered", "shed"))
    return percent(round(total["ok"] * 10_000 / tried) * 100) if tried else "nobody asked"


def utc(text: str) -> str:
    """RFC 3339 text without its fraction, as people write it."""
    return f"{text[:10]} {text[11:19]} UTC" if len(text) > 19 else text
