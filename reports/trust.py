"""What holds a drill's figures up, and what nobody may conclude from them."""

from firemarshal.clock import seconds_text
from firemarshal.reports import people, words
from firemarshal.reports.attempts import Client
from firemarshal.reports.story import NOT_RUN, Drill, Run

Check = tuple[str, str, int]  # sign, sentence, line of the journal (0: none)


def checks(run: Run, drill: Drill, clients: list[Client]) -> list[Check]:
    """What holds the figures up, each with its sign: ✓ holds, ✗ does not, ? nobody can say."""
    return [
        *_harm(drill),
        *_rehearsed(drill),
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
    if drill.t0 and drill.first("disaster"):
        width = words.fine(drill.t0[1] - drill.t0[0])
        line = drill.first("disaster") or {"seq": 0}
        text = f"the moment of the fault is known to {width}, which both ends of figures include"
        found.append(("✓", text, line["seq"]))
    return found


def _rehearsed(drill: Drill) -> list[Check]:
    """Whether the victims were those that a rehearsal had announced, where there was one."""
    return [
        (
            "✗" if line["event"] == "not as rehearsed" else "✓",
            words.in_words(line),
            line["seq"],
        )
        for line in drill.events("as rehearsed", "not as rehearsed")
    ]


def _rule(drill: Drill) -> list[Check]:
    base = drill.first("baseline")
    struck = drill.first("disaster") or drill.first("clock starts")
    if base is None:
        return [("?", "no baseline was taken, so nothing says what normal was", 0)]
    figures = (
        f"before {drill.origin} {base['ok']:,} of {base['attempts']:,} attempts were answered, "
        f"half within {words.fine(base['p50_us'])}, 95 % within {words.fine(base['p95_us'])}"
    )
    if base["noisy"]:
        return [("✗", f"{figures}; too uneven to judge by: {base['noisy']}", base["seq"])]
    before = f", {struck['seq'] - base['seq']} lines before {drill.origin}" if struck else ""
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
            f"{one.name}: {one.begun:,} attempts, one every {words.fine(one.period_us)}; "
            f"the recorder itself was late by {words.fine(one.late_p99_us)} or less in 99 %, "
            f"{words.fine(one.late_most_us)} at worst; {shed:,} were not sent"
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
    wrong = [one for one in ran if not one.result["as_expected"]]
    good = len(ran) - len(wrong)
    found: list[Check] = [
        ("✗", f"negative control of this run, {one.name!r}: {one.result['expectation']}", 0)
        for one in wrong
    ]
    if good:
        they = "controls of this run came out as they must"
        text = f"{good} negative {they if good > 1 else 'control of this run came out as it must'}"
        found.append(("✓", f"{text}: the instrument can tell a bad end from a good one", 0))
    return found


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
        *_answers(run, drill),
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
        told.append(
            f"An outage shorter than {words.fine(period)} can pass unseen between two attempts."
        )
    return told


def _looked_at(drill: Drill) -> list[str]:
    told = []
    loss, rto = drill.first("measured", kind="loss"), drill.first("measured", kind="rto")
    if loss:
        told.append(
            "Writes older than the look-back of "
            f"{seconds_text(loss['look_back_us'])} before {drill.origin} were not counted."
        )
        if loss["in_doubt"]:
            doubt = "1 write is" if loss["in_doubt"] == 1 else f"{loss['in_doubt']:,} writes are"
            told.append(f"{doubt} in doubt: neither kept nor lost.")
    if rto and drill.t0:
        after_us = rto["observed_until_us"] - drill.t0[1]
        told.append(f"Nothing is known later than {seconds_text(after_us)} after {drill.origin}.")
    return told


def _answers(run: Run, drill: Drill) -> list[str]:
    if not any(step["kind"] == people.HUMAN for one in drill.recoveries for step in one["steps"]):
        return []
    text = "That it was this person who answered is not proved: a name is what was typed."
    if run.environment != "lab":
        return [text]
    return [text, "In a lab a stand-in may have answered: how long your people take is not known."]


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
