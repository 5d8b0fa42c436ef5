"""Why a drill came out as it did: what was tried, seen and needed, the proof, and the cure."""

from collections.abc import Iterator
from typing import Any

from firemarshal.codes import CODES
from firemarshal.journal import Line
from firemarshal.reports import runs, story, words

AROUND = 10
ENDS = ("ended", "stopped", "defect", "not injected", "did not bite")
NEEDED = {
    "not-healthy-before": "a system that its own canary calls healthy before anything is harmed",
    "aimed-at-nothing": "at least one victim",
    "victim-changed": "the very victim that was aimed at, not one that took its name",
    "not-injected": "an injection that ends without an error",
    "did-not-bite": "a proof, by another road, that the harm was done",
    "recorder-lost": "a recorder that lives from before the fault until after healing",
    "noisy-baseline": "a baseline even enough to tell a recovery from noise",
    "target-lost": "answers of the target's own interface",
    "objective-unknown": "intervals that lie wholly on one side of their limits",
    "reconcile-failed": "a count of what survived",
    "signal": "a run that nobody ends",
    "person": "a run that nobody ends",
    "guard": "a target and a moment that the guards allow",
    "lock": "a system that nobody else drills",
    "keeper-lost": "a keeper that lives until its verdict is written",
    "runner-lost": "a runner that lives until the drill has been judged",
    "defect": "a firemarshal without this defect",
    "not-judged": "a drill that runs to its last step",
    "stop-condition": "a target on which no stop condition of its profile holds",
    "max-hold": "a fault that is healed before the profile's longest time",
    "not-clean": "a system on which nothing stands",
    "no-fault-for-kind": "a fault of this name for this kind of system",
    "no-engine": "a link in the profile with the engine that the fault works through",
    "lab-not-available": "a machine on which the lab can be made",
    "fault-still-stands": "a target on which nothing stands",
    "not-reached": "a run that comes to this drill",
    "controls-not-allowed": "a target that allows negative controls",
}
Json = dict[str, Any]


def explain(run: story.Run, drills: list[story.Drill]) -> list[str]:
    """The explanation of some drills of a run, as lines for a terminal.

    Raises BadInput where a line means nothing to this version: half an explanation would mislead.
    """
    lines = [f"run {run.id} on target {run.target} ({run.environment})"]
    lines += [f"missing: {one}" for one in run.missing]
    for one in drills:
        with runs.readable(f"drill {one.number} of run {run.id}"):
            lines += ["", *_drill(one)]
    return lines


def focus(drill: story.Drill) -> list[Line]:
    """The journal's lines that decided: what ended the drill, else the judgements that count."""
    if drill.result["code"] and (ends := drill.events(*ENDS)):
        return ends[-1:]
    judged = drill.events("judged")
    return [one for one in judged if one["verdict"] != "met"] or judged or drill.lines[-1:]


def code_told(code: str) -> str:
    """A code with what it says; one of another version is shown as it stands."""
    return f"{code}: {CODES[code].sentence}" if code in CODES else f"{code}: not known here"


def _drill(drill: story.Drill) -> Iterator[str]:
    clauses = f", clauses {', '.join(drill.drill['clauses'])}" if drill.drill["clauses"] else ""
    yield f"{drill.number} {drill.name} ({drill.drill['file']}:{drill.drill['line']}{clauses})"
    yield f"  {words.state_after(drill.result)}"
    yield f"  {words.verdict(drill.result, drill.control)}"
    decided = focus(drill)
    for name, text in (*_why(drill, decided), *_promises(drill), *_doubts(drill)):
        yield f"  {name:8}{text}"
    yield from _journal(drill, decided)


def _why(drill: story.Drill, decided: list[Line]) -> Iterator[tuple[str, str]]:
    code = drill.result["code"]
    if code:
        yield "code", code_told(code)
    yield "tried", _tried(drill, decided)
    for text in _seen(drill, decided):
        yield "seen", text
    if code in NEEDED:
        yield "needed", NEEDED[code]
    if code in CODES:
        yield "cure", CODES[code].cure


def _tried(drill: story.Drill, decided: list[Line]) -> str:
    if drill.folder is None:
        return "nothing; the drill never began"
    if not drill.lines:
        return "nothing that a journal tells"
    last = decided[0]["at_us"] if decided else drill.lines[-1]["at_us"]
    steps = [one for one in drill.events("step") if one["at_us"] <= last]
    sentence = f"{words.in_words(steps[-1])} (line {steps[-1]['seq']})" if steps else "to begin"
    harmed = [f"{one['fault']} (line {one['seq']})" for one in drill.events("injected")]
    return sentence + (f"; injected: {', '.join(harmed)}" if harmed else "; nothing was injected")


def _seen(drill: story.Drill, decided: list[Line]) -> Iterator[str]:
    if not drill.result["code"]:
        for line in drill.events("measured"):
            yield f"{words.in_words(line)} (line {line['seq']})"
        return
    if drill.result["why"]:
        yield str(drill.result["why"])
    edge = decided[-1]["seq"] if decided else 0
    for line in drill.events("called"):
        if line["status"] != "done" and abs(line["seq"] - edge) <= AROUND:
            yield f"{words.in_words(line)} (line {line['seq']})"


def _promises(drill: story.Drill) -> Iterator[tuple[str, str]]:
    for one in drill.promises:
        clause = f" [{one['clause']}]" if one["clause"] else ""
        note = f" ({one['note']})" if one["note"] else ""
        proof = f" (line {one['seq']})" if one["seq"] else ""
        yield one["verdict"], f"{one['text']}{clause}: {one['reason']}{note}{proof}"


def _doubts(drill: story.Drill) -> Iterator[tuple[str, str]]:
    for text in (*drill.missing, *drill.doubts):
        yield "doubt", text


def _journal(drill: story.Drill, decided: list[Line]) -> Iterator[str]:
    """Ten lines around what decided, in words; marked are the ones that did."""
    if not drill.lines:
        yield "  journal: none was written"
        return
    marked = {(one["file"], one["seq"]) for one in decided}
    places = [number for number, one in enumerate(drill.lines) if _place(one) in marked]
    middle = places[-1] if places else len(drill.lines) - 1
    begin = max(0, min(middle - AROUND // 2, len(drill.lines) - AROUND))
    since = drill.t0[1] if drill.t0 else drill.lines[0]["at_us"]
    clock = "T0" if drill.t0 else "the first line"
    yield f"  journal (line, time from {clock}, event):"
    for line in drill.lines[begin : begin + AROUND]:
        mark = ">" if _place(line) in marked else " "
        other = "" if line["file"] == story.KEEPER_JOURNAL else f"{line['file']}: "
        when = words.moment(line["at_us"], since)
        yield f"  {mark}{line['seq']:5} {when:>11}  {other}{words.in_words(line)}"


def _place(line: Line) -> tuple[str, int]:
    return (line["file"], line["seq"])
