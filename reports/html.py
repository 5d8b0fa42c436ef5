"""`report.html`: a whole run on one page, for somebody who was not there.

One file without network, script or clock: made again from the same folder it has the same bytes.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firemarshal import duration
from firemarshal.reports import answers, chapter, clauses, drawing, people, seen, story, telling
from firemarshal.reports.seen import pictures as pictures

if TYPE_CHECKING:
    from jinja2 import Template

NAME = "report.html"
PAGE = Path(__file__).parent / "page"
MOST_DETAILED = 40
MOST_CONTROLS = 1000
EVIDENCE = ("run.json", "keeper.log", "clauses.json", "previous.json")
Json = dict[str, Any]


def write(run_folder: Path) -> Path:
    """Write `report.html` into a run folder and return its path.

    FileNotFoundError when there is no such folder; what a folder lacks is told on the page.
    """
    run = story.read_run(run_folder)
    path = run.folder / NAME
    new = path.with_suffix(".new")
    new.write_text(page(run), encoding="utf-8")
    new.replace(path)
    return path


def page(run: story.Run) -> str:
    """The page of a run as text."""
    detailed = _detailed(run)
    told = [one for one in run.drills if one.key in detailed]
    scale = seen.common_scale(told)
    chapters = [chapter.chapter(run, one, scale) for one in told]
    promises = clauses.groups(run, detailed)
    headline = telling.headline(run)
    style = (PAGE / "report.css").read_text(encoding="utf-8")
    return _template().render(
        run=run,
        style=style + drawing.STYLE.read_text(encoding="utf-8"),
        headline=headline,
        alarm=_alarm(run, headline[2]),
        answers=answers.of(run),
        contradictions=_contradictions(run, detailed, headline[2]),
        standing=[text for one in run.drills for text in one.result["standing"]],
        about=_about(run),
        clauses=promises,
        most_rows=clauses.MOST_ROWS,
        listed=sum(len(one["rows"]) for one in promises),
        steps_in_time=clauses.steps_in_time(run),
        most_detailed=MOST_DETAILED,
        controls=_controls(run, detailed),
        index=_index(run, detailed, chapters),
        several=len(run.drills) > 1,
        scale=duration.text(scale[1] / 1_000_000) if scale else "",
        begun=sum(one.folder is not None for one in run.drills),
        chapters=chapters,
        evidence=_run_files(run),
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    world = Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    world.globals.update(sign=telling.SIGNS, after_words=answers.AFTER)
    return world.get_template("report.html")


def _detailed(run: story.Run) -> set[str]:
    """The drills with a chapter of their own: bad ends first, then in order."""

    def weight(one: story.Drill) -> tuple[int, int, int]:
        clean = answers.WORST_AFTER.index(one.result["target_after"])
        return clean if clean == 0 else 1, int(bool(one.result["as_expected"])), one.number

    begun = [one for one in run.drills if one.folder is not None]
    return {one.key for one in sorted(begun, key=weight)[:MOST_DETAILED]}


def _about(run: story.Run) -> list[tuple[str, str]]:
    opened = run.opened
    if opened is None:
        return [("Begun", "not known: no journal could be read")]
    about = opened.get("about", {})
    dirty = ", with uncommitted changes" if about.get("dirty") else ""
    versions = ", ".join(f"{key} {value}" for key, value in about.get("versions", {}).items())
    return [
        ("First drill began", telling.utc(opened["utc"])),
        ("Run by", f"user {about.get('operator', '?')} on {about.get('host', '?')}"),
        ("Command", " ".join(about.get("arguments", ()))),
        ("Code", f"{about.get('commit') or 'of no known commit'}{dirty}"),
        ("Versions", f"{versions}, Python {about.get('python', '?')}"),
    ]


def _contradictions(run: story.Run, detailed: set[str], said: str) -> list[Json]:
    """Claims of success that clients did not bear out, where the headline has not `said` so.

    Those that a control had to bring are no news.
    """
    return [
        {"text": text, "name": one.name, "anchor": one.anchor if one.key in detailed else ""}
        for one in run.drills
        if (text := people.contradiction(one))
        and text not in said
        and not (one.control and one.result["as_expected"])
    ][:MOST_DETAILED]


def _alarm(run: story.Run, said: str) -> str:
    """The part of the headline that says of a claim that it was false; "" where there is none."""
    texts = (people.contradiction(one) for one in run.drills)
    return next((text for text in texts if text and text in said), "")


def _controls(run: story.Run, detailed: set[str]) -> list[Json]:
    return [
        {
            "name": one.name,
            "anchor": one.anchor if one.key in detailed else "",
            "ok": bool(one.result["as_expected"]),
            "expectation": one.result["expectation"],
            "not_run": one.result["why"] if one.verdict == story.NOT_RUN else "",
            "verdict": one.verdict,
        }
        for one in run.drills
        if one.control
    ][:MOST_CONTROLS]


def _index(run: story.Run, detailed: set[str], chapters: list[Json]) -> list[Json]:
    """Real drills, then the controls; of both first what did not come out as it must."""

    def place(one: story.Drill) -> tuple[bool, bool]:
        bad = not one.result["as_expected"] and one.verdict != story.NOT_RUN
        return one.control, not bad

    strips = {one["id"]: one["views"][0].strip for one in chapters if one["views"]}
    return [
        {
            "number": one.number,
            "name": one.name,
            "verdict": one.verdict,
            "as_expected": bool(one.result["as_expected"]),
            "control": one.control,
            "expectation": one.result["expectation"],
            "not_run": one.result["why"] if one.verdict == story.NOT_RUN else "",
            "clauses": " ".join(one.drill["clauses"]),
            "after": one.result["target_after"],
            "code": one.result["code"],
            "anchor": one.anchor if one.key in detailed else "",
            "strip": strips.get(one.anchor, ""),
            "gone": telling.gone(one),
        }
        for one in sorted(run.drills, key=place)
    ]


def _run_files(run: story.Run) -> list[Json]:
    found = story.file_hashes(run.folder, deep=False)
    return [
        {"name": name, "bytes": size, "sha256": digest, "head": ""}
        for name, size, digest in found
        if name in EVIDENCE
    ]
