"""The end of a run on one screen: every promise, what it came to, the targets, the evidence."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from firemarshal import duration
from firemarshal.codes import CODES
from firemarshal.screen import Screen
from firemarshal.terminal import COLOURS
from firemarshal.verdict import amount

Json = dict[str, Any]
PROMISE_COLOURS = {"met": "green", "missed": "red", "unknown": "yellow"}
NARROW = 100


def closing(results: list[Json], folder: Path, out: TextIO) -> None:
    """The last lines; what matters most comes last, because it is what stays on the screen."""
    screen = Screen(out)
    if screen.width >= NARROW:
        screen.write(screen.painted(_table(results, screen)))
    else:
        for text, style in _listed(results):
            screen.write(screen.line(text, style, set_in=8))
    screen.write("\n")
    for text, style in (*_red(results), *_after(results), *_counts(results)):
        screen.write(screen.line(text, style))
    screen.write(screen.line(f"report: {folder / 'report.html'}", wrap=False))


def _table(results: list[Json], screen: Screen) -> Table:
    """Drill, clause, promise, worst end, verdict."""
    shown = Table(show_edge=False, pad_edge=False, box=SIMPLE_HEAD)
    shown.add_column("drill", overflow="fold", ratio=3)
    shown.add_column("clause", no_wrap=True)
    shown.add_column("promise", overflow="fold", ratio=3)
    shown.add_column("allowed", no_wrap=True)
    shown.add_column("worst end", overflow="fold", max_width=26)
    shown.add_column("", no_wrap=True)
    shown.add_column("verdict", no_wrap=True)
    for result in results:
        for row in _rows(result):
            shown.add_row(*(Text(screen.one_line(text), style) for text, style in row))
        shown.add_section()
    return shown


def _rows(result: Json) -> Iterator[tuple[tuple[str, str], ...]]:
    first, empty = (_name(result), ""), ("", "")
    verdict = _verdict(result)
    if not result["promises"]:
        clauses = " ".join(result["drill"]["clauses"])
        yield first, (clauses, ""), (_why(result), "dim"), empty, empty, empty, verdict
    for one in result["promises"]:
        judged = (one["verdict"], PROMISE_COLOURS[one["verdict"]])
        words = ((one["clause"], ""), (one["text"], ""), (_limit(one), ""))
        yield first, *words, (worst(one), judged[1]), judged, verdict
        first, verdict = empty, empty


def _listed(results: list[Json]) -> Iterator[tuple[str, str]]:
    """The same without columns, for a narrow terminal and for a pipe: a line a promise."""
    for result in results:
        text, style = _verdict(result)
        yield f"{text:7}  {_name(result)}", style
        if not result["promises"]:
            yield f"    {_why(result)}", ""
        for one in result["promises"]:
            clause = f" [{one['clause']}]" if one["clause"] else ""
            told = f"{one['text']}{clause}: worst end {worst(one)}, allowed {_limit(one)}"
            yield f"    {one['verdict']}: {told}", ""


def _red(results: list[Json]) -> Iterator[tuple[str, str]]:
    """What did not come out as it had to, with its cure: the last lines before the state."""
    red = [one for one in results if not one["as_expected"] and one["verdict"] != "NOT RUN"]
    for one in red:
        code = one.get("code", "")
        cure = f"; cure: {CODES[code].cure}" if code in CODES else ""
        yield f"{one['verdict']}: {_name(one)}: {_why(one)}{cure}", COLOURS.get(one["verdict"], "")
    if red:
        yield "why, line by line: firemarshal explain latest", ""


def _after(results: list[Json]) -> Iterator[tuple[str, str]]:
    """What the drills left: one line when nothing, else one for each that left something."""
    ran = [one for one in results if one["verdict"] != "NOT RUN"]
    left = [one for one in ran if one["target_after"] != "as found"]
    for one in left:
        why = "; ".join(one.get("target_after_why") or one.get("standing", []))
        state = one["target_after"] + (f" ({why})" if why else "")
        style = "bold red" if one["target_after"] == "NOT CLEAN" else "yellow"
        yield f"target after {_name(one)!r}: {state}", style
    if dirty := next((one for one in left if one["target_after"] == "NOT CLEAN"), None):
        target = dirty["drill"]["target"]
        yield f"no drill starts before: firemarshal heal --target {target}", "bold red"
    if ran and len(left) < len(ran):
        others = f" the other {len(ran) - len(left)}" if left else ""
        yield f"target after{others}: as found", ""


def _counts(results: list[Json]) -> Iterator[tuple[str, str]]:
    found = Counter(_verdict(one)[0].replace(",", "") for one in results)
    drills = "1 drill" if len(results) == 1 else f"{len(results)} drills"
    yield f"{drills}: {', '.join(f'{number} {name}' for name, number in found.items())}", "bold"


def _verdict(result: Json) -> tuple[str, str]:
    verdict: str = result["verdict"]
    if result["drill"]["control"] and verdict != "NOT RUN":
        if result["as_expected"]:
            return f"{verdict}, as it must", "green"
        return f"{verdict}, not as it must", "red"
    return verdict, COLOURS.get(verdict, "dim")


def _name(result: Json) -> str:
    name, row = str(result["drill"]["name"]), result["drill"]["row"]
    return f"{name} [{row}]" if row else name


def _why(result: Json) -> str:
    if result["drill"]["control"]:
        return str(result["expectation"])
    return str(result.get("why") or result["expectation"])


def _limit(promise: Json) -> str:
    if promise["unit"] == "us":
        return duration.text(promise["limit"] / 1_000_000)
    return f"{promise['limit']:,}"


def worst(promise: Json) -> str:
    """The end of the interval that counts against the promise, with what it must not lack."""
    lower, upper, unit = promise["lower"], promise["upper"], promise["unit"]
    if lower is None:
        return "not measured"
    text = amount(upper, unit) if upper is not None else f"more than {amount(lower, unit)}"
    return f"{text} ({promise['note']})" if promise["note"] else text
