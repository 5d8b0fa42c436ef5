"""The sentences of a drill as Allure steps, with what happened in each as steps of their own."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from firemarshal.journal import Line
from firemarshal.reports import people, story, words

ENDS = ("ended", "stopped", "defect")
BROKEN = (*ENDS, "not injected", "did not bite")
OF_PROMISE = {"met": "passed", "missed": "failed", "unknown": "broken"}
OF_STEP = {"done": "passed", "late": "failed", "failed": "failed", "refused": "failed"} | {
    "not begun": "skipped"
}
AFTERWARDS = "Afterwards: heal, look after the system, tidy up"
HEALERS = "Another process heals"
Json = dict[str, Any]


class Clock:
    """Allure's wall clock in milliseconds, counted from one line so that no step ever runs back.

    A drill that never began stands at the time of the run's name, or of its first journal.
    """

    def __init__(self, run: story.Run, drill: story.Drill) -> None:
        first = drill.lines[0] if drill.lines else None
        self._at_us = first["at_us"] if first else 0
        self._ms = _ms(first["utc"]) if first else _began(run)
        self._first = first
        self.begin = self._ms
        own = [one for one in drill.lines if one["file"] == story.KEEPER_JOURNAL]
        self.end = self.of_us(own[-1]["at_us"]) if own else self.begin

    def of_us(self, at_us: int) -> int:
        """A moment of the drill's boot clock."""
        return self._ms + (at_us - self._at_us) // 1000

    def of(self, line: Line) -> int:
        """A line; those of a healer may come from another boot, so their own time counts."""
        if line["file"] == story.KEEPER_JOURNAL:
            return self.of_us(line["at_us"])
        return _ms(line["utc"])


def steps(drill: story.Drill, clock: Clock) -> list[Json]:
    """Every sentence with its status, then what came after them; skipped where it never began."""
    groups, afterwards, healers = _groups(drill)
    ended = next((one for one in groups if any(_ends(line) for line in groups[one])), None)
    found = []
    for number, step in enumerate(drill.drill["steps"]):
        name = f"{step['keyword'].capitalize()} {step['text']}"
        status = _status(drill, number, groups, ended)
        found.append(_step(name, status, groups.get(number, []), clock, drill))
    found += [_people(drill, one, clock) for one in drill.recoveries]
    if afterwards:
        found.append(_step(AFTERWARDS, _worst(afterwards), afterwards, clock, drill))
    if healers:
        found.append(_step(HEALERS, _worst(healers), healers, clock, drill))
    return found


def _people(drill: story.Drill, recovery: Json, clock: Clock) -> Json:
    """A runbook or recovery with its own steps, and whether clients bore out what it said."""
    disputed = recovery in people.disputed(drill)
    begin = clock.of_us(recovery["begun_us"]) if recovery["begun_us"] else clock.end
    said = {"success": "failed" if disputed else "passed", "failed": "failed"}
    status = said.get(recovery["claimed"], "broken" if recovery["begun_us"] else "skipped")
    name = f"{recovery['kind'].capitalize()} {recovery['name']!r}: "
    inner = [_of_people(one, begin, clock) for one in recovery["steps"]]
    return {
        "name": name + people.claim(drill, recovery),
        "status": status,
        "stage": "finished",
        "start": begin,
        "stop": max(begin, clock.of_us(recovery["ended_us"]) if recovery["ended_us"] else begin),
        "steps": inner,
    }


def _of_people(step: Json, begin: int, clock: Clock) -> Json:
    start = clock.of_us(step["begun_us"]) if step["begun_us"] else begin
    stop = clock.of_us(step["ended_us"]) if step["begun_us"] else start
    line = f" (line {step['seq']})" if step["seq"] else ""
    answer = f": {step['answer']}" if step["answer"] else ""
    who = f"{step['owner']}, " if step["owner"] else ""
    return {
        "name": f"{step['text'] or step['id']} [{who}{step['outcome']}]{answer}{line}",
        "status": OF_STEP.get(step["outcome"], "broken"),
        "stage": "finished",
        "start": start,
        "stop": max(start, stop),
    }


def _groups(drill: story.Drill) -> tuple[dict[int, list[Line]], list[Line], list[Line]]:
    """Lines by the sentence they belong to, those behind the last one, and other processes'.

    All promises are judged at the first Then: each judgement stands at the sentence it is for.
    """
    groups: dict[int, list[Line]] = {}
    afterwards: list[Line] = []
    healers = [one for one in drill.lines if one["file"] != story.KEEPER_JOURNAL]
    own = [one for one in drill.lines if one["file"] == story.KEEPER_JOURNAL]
    over = max((one["seq"] for one in own if one["event"] in (*ENDS, "judged", "step")), default=0)
    number = None
    for line in own:
        if line["event"] == "step":
            number = line["number"]
            groups.setdefault(line["number"], []).insert(0, line)
        elif line["event"] == "judged":
            groups.setdefault(line["promise"]["step"], []).append(line)
        elif number is not None:
            last = line["seq"] > over and _decided(own, over)
            (afterwards if last else groups[number]).append(line)
    begun = {one["number"] for one in own if one["event"] == "step"}
    return {one: lines for one, lines in groups.items() if one in begun}, afterwards, healers


def _decided(own: list[Line], over: int) -> bool:
    """Whether anything had been judged or ended, so that what follows is the way home."""
    return any(one["event"] in (*ENDS, "judged") for one in own if one["seq"] <= over)


def _status(
    drill: story.Drill, number: int, groups: dict[int, list[Line]], ended: int | None
) -> str:
    if number not in groups or (ended is not None and number > ended):
        return "skipped"
    if number == ended:
        return "broken"
    judged = [one["verdict"] for one in drill.promises if one.get("step") == number]
    bad = next((OF_PROMISE[one] for one in ("missed", "unknown") if one in judged), "passed")
    if judged or drill.drill["steps"][number]["keyword"] == "then":
        return bad
    cut = drill.verdict == story.NO_VERDICT or drill.result["code"] == "keeper-lost"
    return "broken" if cut and number == max(groups) else "passed"


def _step(name: str, status: str, lines: list[Line], clock: Clock, drill: story.Drill) -> Json:
    begin = clock.of(lines[0]) if lines else clock.end
    inner = [_event(one, clock, drill) for one in lines if one["event"] != "step"]
    # A judgement comes later than the sentence that it is about, and takes no time of it.
    end = max([begin, *(clock.of(one) for one in lines if one["event"] != "judged")])
    return {
        "name": name,
        "status": status,
        "stage": "finished",
        "start": begin,
        "stop": end,
        "steps": inner,
    }


def _event(line: Line, clock: Clock, drill: story.Drill) -> Json:
    begin = end = clock.of(line)
    own = line["file"] == story.KEEPER_JOURNAL
    if line["event"] == "called" and own:
        begin, end = clock.of_us(line["before_us"]), clock.of_us(line["after_us"])
    since = drill.t0[1] if drill.t0 else drill.lines[0]["at_us"]
    when = f"{words.moment(line['at_us'], since)}  " if own else f"{line['file']}: "
    return {
        "name": f"{when}{words.in_words(line)} (line {line['seq']})",
        "status": _status_of(line),
        "stage": "finished",
        "start": begin,
        "stop": max(begin, end),
    }


def _status_of(line: Line) -> str:
    if line["event"] == "judged":
        return OF_PROMISE.get(line["verdict"], "broken")
    bad = (
        line["event"] in BROKEN
        or (line["event"] == "called" and line["status"] != "done")
        or (line["event"] == "steady state" and line["healthy"] is not True)
        or (line["event"] == "redundancy" and not line["back"])
    )
    return "broken" if bad else "passed"


def _ends(line: Line) -> bool:
    return line["event"] in ENDS


def _worst(lines: Iterable[Line]) -> str:
    return "broken" if "broken" in {_status_of(one) for one in lines} else "passed"


def _began(run: story.Run) -> int:
    try:
        return _ms(run.id[:16])
    except ValueError:
        return _ms(run.opened["utc"]) if run.opened else 0


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)
