"""What hangs on a drill's Allure result: the picture, the tables, and the evidence itself."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from firemarshal.clock import seconds_text
from firemarshal.reports import html, losses, people, story, table, words

JSON, CSV, TEXT, SVG = "application/json", "text/csv", "text/plain", "image/svg+xml"
Json = dict[str, Any]


@dataclass(frozen=True)
class Attachment:
    """One file of a result; `type` is a media type that Allure can show."""

    name: str
    type: str
    extension: str
    data: bytes


def attachments(drill: story.Drill) -> Iterator[Attachment]:
    """Everything that belongs to a drill, in the order in which a person would look at it."""
    if drill.folder is None:
        return
    for name, svg in html.pictures(drill):
        yield Attachment(name, SVG, "svg", svg.encode())
    if drill.promises:
        yield _csv("Objectives", _objectives(drill))
    if lost := drill.first("measured", kind="loss"):
        yield _csv("Loss", _loss(lost))
    if drill.result["phases"]:
        yield _csv("Phases", _phases(drill))
    if drill.recoveries:
        yield _csv("What people did", _people(drill))
    yield _json("Configuration", _configuration(drill))
    for one in drill.journals:
        data = (drill.folder / one.name).read_bytes()
        yield Attachment(one.name, TEXT, "jsonl", data)
    verdict = drill.folder / "verdict.json"
    if verdict.exists():
        yield Attachment(verdict.name, JSON, "json", verdict.read_bytes())


def _objectives(drill: story.Drill) -> Iterator[tuple[Any, ...]]:
    yield "promise", "clause", "allowed", "measured", "verdict", "reason", "journal line"
    for one in drill.promises:
        figure = words.measured(one)
        line = one["seq"] or "none"
        verdict, reason = one["verdict"], one["reason"]
        yield one["text"], one["clause"], words.limit(one), figure, verdict, reason, line


def _loss(line: Json) -> Iterator[tuple[Any, ...]]:
    yield "what", "figure"
    for name, _, count in losses.rows(line):
        yield name, count
    yield "looked back", losses.looked_back(line)
    upper = line["upper_us"]
    yield "lost time, at least", seconds_text(line["lower_us"])
    yield "lost time, at most", "unknown" if upper is None else seconds_text(upper)


def _phases(drill: story.Drill) -> Iterator[tuple[Any, ...]]:
    since = drill.t0[1] if drill.t0 else drill.lines[0]["at_us"]
    yield f"since {drill.origin}", "system", "what it says happened", "source"
    for one in sorted(drill.result["phases"], key=lambda one: int(one["at_us"])):
        yield words.moment(one["at_us"], since), one["system"], one["name"], one["source"]


def _people(drill: story.Drill) -> Iterator[tuple[Any, ...]]:
    yield "runbook", "step", "owner", "kind", "took", "allowed", "outcome", "answer", "journal line"
    for part in people.of(drill):
        yield part["name"], part["claim"], "", part["kind"], part["took"], "", "", part["why"], ""
        for one in part["steps"]:
            told = (one[key] for key in ("owner", "who", "took", "deadline", "outcome", "answer"))
            yield part["name"], one["text"], *told, one["seq"] or "none"


def _configuration(drill: story.Drill) -> Json:
    """What ran the drill, the target's limits, and each system before and after."""
    opened = drill.first("opened") or {}
    systems = {}
    for name in drill.drill["systems"]:
        seen = [one["output"] for one in drill.calls(f"capture {name}") if one["status"] == "done"]
        systems[name] = {
            "before": seen[0] if seen else None,
            "after": seen[-1] if seen[1:] else None,
        }
    return {"about": opened.get("about"), "target": opened.get("target"), "systems": systems}


def _json(name: str, value: Json) -> Attachment:
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    return Attachment(name, JSON, "json", orjson.dumps(value, option=options) + b"\n")


def _csv(name: str, rows: Iterable[tuple[Any, ...]]) -> Attachment:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([table.defused(cell) for cell in row] for row in rows)
    return Attachment(name, CSV, "csv", out.getvalue().encode())
