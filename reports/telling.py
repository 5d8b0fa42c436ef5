"""The page's sentences: what was promised, what happened, what holds it up and what it leaves open.

Every sentence is made from the run folder; what is not known is said to be unknown, never left out.
"""

import re
from typing import Any

from firemarshal.clock import seconds_text
from firemarshal.codes import CODES
from firemarshal.measure import percent
from firemarshal.reports import words
from firemarshal.reports.attempts import Client
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
WORST_AFTER = ("NOT CLEAN", "unknown", "changed", "as found")
BAD_ORDER = (NO_VERDICT, "ABORTED", "FAILED", "INVALID", "PASSED", NOT_RUN)
AFTER = {
    "as found": "clean: healthy and as it was found",
    "changed": "healthy, but not the same as before",
    "NOT CLEAN": "NOT CLEAN",
    "unknown": "unknown: nobody could look",
}
Json = dict[str, Any]
Check = tuple[str, str, int]  # sign, sentence, line of the journal (0: none)


def disaster(drill: Drill) -> str:
    """The When of a drill in the past, as a clause that begins a sentence."""
    texts = [one["text"] for one in drill.drill["steps"] if one["keyword"] == "when"]
    return re.sub(r"\bare\b", "were", re.sub(r"\bis\b", "was", " and ".join(texts), count=1))


def sentence(drill: Drill) -> str:
    """What happened in one or two sentences, with the number and the promise."""
    judged = [one for one in drill.promises if one["seq"]]
    if not judged or drill.verdict in ("ABORTED", NOT_RUN, NO_VERDICT):
        return _ended(drill)
    ordered = sorted(judged, key=lambda one: one["kind"] != "rto")
    told: list[str] = []
    notes: list[str] = []
    for one in ordered:
        told.append(_of_rto(drill, one) if one["kind"] == "rto" else _of_loss(drill, one, notes))
    return " ".join(dict.fromkeys(one for one in told if one))


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
    if one["verdict"] == "unknown":
        return f"Nobody can say whether the promise holds: {one['reason']} (after {when})."
    interval = Interval(one["lower"], one["upper"])
    if one["upper"] is None:
        because = one.get("open_because") or "still down"
        return f"{who} not back {seconds_text(one['lower'])} after {when} ({because}); {promised}."
    back = "back" if match else "served again"
    return f"{who} {back} {interval.text()} after {when}; {promised}."


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
    return f"{lost} of {of} acknowledged writes {were} lost ({looked})"


def promised_by(one: Json) -> str:
    """The promise that a figure is held against, and by whom it was made."""
    limit = words.limit(one)
    if not one["clause"] or one["clause_limit"] is None:
        return f"the drill demands {_at_most(one, limit)}"
    if one["limit"] != one["clause_limit"]:
        plan = words.limit(one | {"limit": one["clause_limit"]})
        return f"the drill demands {limit}, the plan {plan}"
    return f"the plan promises {limit}" if one["kind"] == "rto" else f"the plan allows {limit}"


def fine(us: int) -> str:
    """A duration that may be far below a second: "1.3 ms" instead of "0.001 s"."""
    return f"{us / 1000:.1f} ms" if abs(us) < 1_000_000 else seconds_text(us)


def _at_most(one: Json, limit: str) -> str:
    return f"at most {limit}" if one["kind"] == "rto" or one["limit"] else f"no loss ({limit})"


def margin(one: Json) -> str:
    """How much of the limit the worst end left, or by how much it was overrun."""
    limit, upper, lower = one["limit"], one["upper"], one["lower"]
    if not one["seq"] or one["verdict"] == "unknown" or lower is None:
        return "not known"
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
        return _bad_news([one for one in red if one not in forgiven])
    if real:
        verdict = f"PASSED, {len(forgiven):,} NOT RUN" if forgiven else "PASSED"
        return SIGNS["PASSED"], verdict, sentence(min(real, key=_room_left))
    if any(one.verdict != NOT_RUN for one in run.drills):
        return "✓", "CONTROLS ONLY", "Only negative controls ran, and they came out as they must."
    return SIGNS[NOT_RUN], NOT_RUN, sentence(run.drills[0])


def _bad_news(red: list[Drill]) -> tuple[str, str, str]:
    worst = min(red, key=lambda one: BAD_ORDER.index(one.verdict))
    if not worst.control:
        return SIGNS[worst.verdict], worst.verdict, sentence(worst)
    text = f"A control came out wrong: {worst.result['expectation']}."
    return "✗", "INSTRUMENT WRONG", f"{text} No figure of this run can be trusted."


def _room_left(drill: Drill) -> float:
    shares = [
        (one["limit"] - one["upper"]) / one["limit"]
        for one in drill.promises
        if one["limit"] and one["upper"] is not None and one["seq"]
    ]
    return min(shares, default=1.0)


def counts(run: Run) -> str:
    """How many drills came out how, in one sentence."""
    told = []
    for verdict in SIGNS:
        plain = [one for one in run.drills if one.verdict == verdict and not one.control]
        if plain:
            told.append(f"{len(plain):,} {verdict}")
    controls = [one for one in run.drills if one.control]
    if controls:
        good = sum(one.result["as_expected"] for one in controls)
        told.append(f"{good:,} of {len(controls):,} negative controls came out as they must")
    return f"{len(run.drills):,} drill{'s' if len(run.drills) != 1 else ''}: {', '.join(told)}."


def after(run: Run) -> tuple[str, list[str]]:
    """The worst state that a drill left its target in, and which drills did."""
    states = {one.result["target_after"] for one in run.drills} or {"unknown"}
    worst = next((one for one in WORST_AFTER if one in states), "unknown")
    named = [one.name for one in run.drills if one.result["target_after"] == worst]
    return worst, named if worst != "as found" else []


def trust(run: Run, drill: Drill, clients: list[Client]) -> list[Check]:
    """What holds the figures up, each with its sign: ✓ holds, ✗ does not, ? nobody can say."""
    return [
        *_harm(drill),
        *_rule(drill),
        *_recorder(drill, clients),
        *_calibration(run, drill),
        *_evidence(drill),
    ]


def _harm(drill: Drill) -> list[Check]:
    found = []
    for name in drill.drill["faults"]:
        bit, missed = drill.first("bit", fault=name), drill.first("did not bite", fault=name)
        if bit:
            text = f"{name} did its harm, proved by another road: {bit['seen']}"
            found.append(("✓", text, bit["seq"]))
        elif missed:
            found.append(("✗", f"{name} did not bite: {missed['seen']}", missed["seq"]))
        else:
            found.append(("?", f"{name}: no proof of harm stands in the journal", 0))
    if drill.t0:
        width = fine(drill.t0[1] - drill.t0[0])
        line = drill.first("disaster") or {"seq": 0}
        text = f"the moment of the fault is known to {width}, which both ends of figures include"
        found.append(("✓", text, line["seq"]))
    return found


def _rule(drill: Drill) -> list[Check]:
    base, struck = drill.first("baseline"), drill.first("disaster")
    if base is None:
        return [("?", "no baseline was taken, so nothing says what normal was", 0)]
    figures = (
        f"before the fault {base['ok']:,} of {base['attempts']:,} attempts were answered, half "
        f"within {fine(base['p50_us'])}, 95 % within {fine(base['p95_us'])}"
    )
    if base["noisy"]:
        return [("✗", f"{figures}; too uneven to judge by: {base['noisy']}", base["seq"])]
    before = f", {struck['seq'] - base['seq']} lines before the fault" if struck else ""
    return [
        ("✓", figures, base["seq"]),
        ("✓", f"the rule was fixed{before}: {base['rule']}", base["seq"]),
    ]


def _recorder(drill: Drill, clients: list[Client]) -> list[Check]:
    if not clients:
        return [("?", "no ledger is there: no attempt of a customer was kept", 0)]
    found: list[Check] = []
    for one in clients:
        shed = one.counts.get("shed", 0)
        late = (
            f"{one.name}: {one.begun:,} attempts, one every {fine(one.period_us)}; "
            f"the recorder itself was late by {fine(one.late_p99_us)} or less in 99 %, "
            f"{fine(one.late_most_us)} at worst; {shed:,} were not sent"
        )
        bad = shed or 5 * one.late_p99_us > one.deadline_us
        found.append(("?" if bad else "✓", late, 0))
        if not one.closed:
            found.append(("?", f"{one.name}: the ledger was not ended in order", 0))
    return found


def _calibration(run: Run, drill: Drill) -> list[Check]:
    controls = [one for one in run.drills if one.control and one is not drill]
    ran = [one for one in controls if one.verdict != NOT_RUN]
    if not ran:
        return [("?", "no negative control ran beside it: that it can fail was not shown", 0)]
    return [
        (
            "✓" if one.result["as_expected"] else "✗",
            f"negative control of this run, {one.name!r}: {one.result['expectation']}",
            0,
        )
        for one in ran
    ]


def _evidence(drill: Drill) -> list[Check]:
    if drill.doubts:
        return [("✗", one, 0) for one in drill.doubts]
    if not drill.journals:
        return [("?", "there is no journal", 0)]
    if not all(one.reading.sealed for one in drill.journals):
        return [("?", "the journal was not ended in order; what it holds is chained", 0)]
    if not drill.result["journal_head"]:
        return [("?", "the journal is whole, but no verdict.json names its last line", 0)]
    lines = sum(len(one.reading.lines) for one in drill.journals)
    return [("✓", f"the journal's {lines:,} lines are chained, to the end that is kept", 0)]


def not_proved(run: Run, drill: Drill, clients: list[Client]) -> list[str]:
    """What nobody may conclude from this drill."""
    told = [
        *_where(run),
        "It happened once: one drill says nothing about how often it would come out so.",
        *_seen_by(clients),
        *_looked_at(drill),
        *_unjudged(run, drill),
        "The evidence is chained but neither signed nor time-stamped by anybody outside: whoever "
        "can write this folder could make another.",
    ]
    about = (run.opened or {}).get("about", {})
    if about.get("dirty"):
        told.append("The code that ran was not committed: its tree differed from the commit named.")
    return told


def _where(run: Run) -> list[str]:
    if run.environment == "lab":
        return ["The system was a lab: no clause is proved by it for any other system."]
    if run.environment == "unknown":
        return ["What kind of target it was is not known: the folder does not say."]
    return []


def _seen_by(clients: list[Client]) -> list[str]:
    if not clients:
        return ["Nobody watched as a customer, so no figure is known."]
    told = []
    several = f"{len(clients)} recorders" if len(clients) > 1 else "One recorder"
    told.append(
        f"{several} on one machine wrote markers at an even rate: what customers elsewhere or with "
        "other requests saw is not known."
    )
    period = max(one.period_us for one in clients)
    if period:
        told.append(f"An outage shorter than {fine(period)} can pass unseen between two attempts.")
    return told


def _looked_at(drill: Drill) -> list[str]:
    told = []
    loss, rto = drill.first("measured", kind="loss"), drill.first("measured", kind="rto")
    if loss:
        told.append(
            "Writes older than the look-back of "
            f"{seconds_text(loss['look_back_us'])} before the fault were not counted."
        )
        if loss["in_doubt"]:
            told.append(f"{loss['in_doubt']:,} writes are in doubt: neither kept nor lost.")
    if rto and drill.t0:
        after_us = rto["observed_until_us"] - drill.t0[1]
        told.append(f"Nothing is known later than {seconds_text(after_us)} after the fault.")
    return told


def _unjudged(run: Run, drill: Drill) -> list[str]:
    judged = {(one["clause"], one["kind"]) for one in drill.promises if one["seq"]}
    told = []
    for clause in drill.drill["clauses"]:
        for one in run.clauses.get(clause, {}).get("objectives", []):
            if (clause, one["kind"]) not in judged:
                when = f" {one['when']}" if one["when"] else ""
                told.append(
                    f"{clause} also promises {one['kind']} {one['limit']}{when}: not judged here."
                )
    return told


def served(total: Json) -> str:
    """The share of attempts that were answered, as people write it."""
    tried = sum(total[key] for key in ("ok", "failed", "unanswered", "shed"))
    return percent(round(total["ok"] * 10_000 / tried) * 100) if tried else "nobody asked"


def utc(text: str) -> str:
    """RFC 3339 text without its fraction, as people write it."""
    return f"{text[:10]} {text[11:19]} UTC" if len(text) > 19 else text
