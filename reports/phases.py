"""What followed the fault, moment by moment and step by step, each as a bar on one time scale."""

from collections.abc import Iterator
from typing import Any

from firemarshal.reports import drawing, people, story, telling, words

Json = dict[str, Any]
Bar = tuple[int, int, str, str, str]  # begin, end, name, who says so, what kind of bar


def rows(one: story.Drill) -> list[Json]:
    """One row a moment, its bar from the moment before; one a step of people, its bar its own."""
    if not one.t0:
        return []
    zero = one.t0[1]
    bars = sorted([*_moments(one), *_steps(one)], key=lambda bar: (bar[1], bar[0]))
    last = max((end for _, end, *_ in bars), default=zero) - zero
    return [
        {
            "name": name,
            "source": source,
            "kind": kind,
            "at": drawing.moment(end - zero),
            "took": words.fine(end - begin),
            "left": share(begin - zero, last),
            "width": share(end - begin, last),
        }
        for begin, end, name, source, kind in bars
    ]


def share(part: int, whole: int) -> str:
    """A part of the whole in percent, as styles want it."""
    return f"{max(0.0, 100 * part / whole):.2f}" if whole > 0 else "0"


def _moments(one: story.Drill) -> Iterator[Bar]:
    """What machines did: from each moment to the next."""
    rto = one.first("measured", kind="rto") or {}
    found = [(each["at_us"], each["name"], each["source"]) for each in one.result["phases"]]
    found += [
        (line["at_us"], f"harm of {line['fault']} proved", "keeper") for line in one.events("bit")
    ]
    for key, name in (
        ("first_error_us", "first customer error"),
        ("not_after_us", "customers are back"),
    ):
        if rto and rto[key] and telling.went_down(rto):
            found.append((rto[key], name, "recorder"))
    found += [
        (line["at_us"], f"{_healing(one, line['fault'])} proved", "keeper")
        for line in one.events("healed")
    ]
    found += [
        (line["at_us"], f"redundancy of {line['system']} is back", "keeper")
        for line in one.events("redundancy")
        if line["back"]
    ]
    earliest, before = one.t0 or (0, 0)
    for at, name, source in sorted(each for each in found if each[0] >= earliest):
        yield min(before, at), at, name, source, "machine"
        before = max(before, at)


def _healing(one: story.Drill, name: str) -> str:
    made = name in one.drill.get("recoveries", {})
    return f"removal of what {name} made" if made else f"healing of {name}"


def _steps(one: story.Drill) -> Iterator[Bar]:
    for recovery in one.recoveries:
        for step in people.begun(recovery):
            kind = "person" if step["kind"] == people.HUMAN else "runbook"
            name = f"{recovery['name']}: {step['text'] or step['id']}"
            yield step["begun_us"], step["ended_us"], name, step["owner"] or recovery["kind"], kind
        if not recovery["steps"] and recovery["begun_us"]:
            name, kind = str(recovery["name"]), str(recovery["kind"])
            yield recovery["begun_us"], recovery["ended_us"], name, kind, "runbook"
