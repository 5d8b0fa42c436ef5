"""`report.html`: a whole run on one page, for somebody who was not there.

One file without network, script or clock: made again from the same folder it has the same bytes.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from firemarshal.clock import seconds_text
from firemarshal.codes import CODES
from firemarshal.measure import FLOOR_US, LATENCY_FACTOR
from firemarshal.reports import beside, drawing, story, telling, words
from firemarshal.reports.attempts import Client, Stretch, Window, look, span
from firemarshal.reports.drawing import Mark, Panel
from firemarshal.verdict import Interval

NAME = "report.html"
PAGE = Path(__file__).parent / "page"
MOST_DETAILED = 40
MOST_LINES = 2000
MOST_ROWS = 1000
MOST_CLIENTS = 4
EVIDENCE = ("run.json", "keeper.log", "clauses.json", "previous.json")
EVIDENCE_ENDS = (".jsonl", ".ledger", ".log", ".json")
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
    style = (PAGE / "report.css").read_text(encoding="utf-8")
    return _template().render(
        run=run,
        style=style + drawing.STYLE.read_text(encoding="utf-8"),
        headline=telling.headline(run),
        counts=telling.counts(run),
        after=telling.after(run),
        changed=_net_changes(run),
        standing=[text for one in run.drills for text in one.result["standing"]],
        about=_about(run),
        clauses=_clauses(run, detailed),
        most_rows=MOST_ROWS,
        most_detailed=MOST_DETAILED,
        controls=_controls(run, detailed),
        index=_index(run, detailed),
        begun=sum(one.folder is not None for one in run.drills),
        chapters=[_chapter(run, one) for one in run.drills if one.key in detailed],
        evidence=_run_files(run),
    )


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    world = Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    world.globals.update(sign=telling.SIGNS, after_words=telling.AFTER)
    return world.get_template("report.html")


def _detailed(run: story.Run) -> set[str]:
    """The drills with a chapter of their own: bad ends first, then in order."""

    def weight(one: story.Drill) -> tuple[int, int, int]:
        clean = telling.WORST_AFTER.index(one.result["target_after"])
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
        ("First drill began", _utc(opened["utc"])),
        ("Run by", f"user {about.get('operator', '?')} on {about.get('host', '?')}"),
        ("Command", " ".join(about.get("arguments", ()))),
        ("Code", f"{about.get('commit') or 'of no known commit'}{dirty}"),
        ("Versions", f"{versions}, Python {about.get('python', '?')}"),
    ]


def _clauses(run: story.Run, detailed: set[str]) -> list[Json]:
    """A row for every promise that a real drill was to judge; a clause is quoted once in a row."""
    pairs = [(one, each) for one in run.drills if not one.control for each in one.promises]
    rows = [_row(run, one, each, detailed) for one, each in pairs[:MOST_ROWS]]
    for before, row in pairwise(rows):
        row["again"] = row["clause"] == before["clause"]
    return rows


def _row(run: story.Run, one: story.Drill, promise: Json, detailed: set[str]) -> Json:
    clause = run.clauses.get(promise["clause"], {})
    return {
        "clause": promise["clause"],
        "again": False,
        "quote": clause.get("text", ""),
        "plan": clause.get("plan", ""),
        "step": promise["text"],
        "drill": one.name,
        "anchor": _slug(one.key) if one.key in detailed else "",
        "target": words.limit(promise),
        "promised": telling.promised_by(promise),
        "measured": words.measured(promise | {"note": ""}),
        "note": promise["note"],
        "margin": telling.margin(promise),
        "verdict": promise["verdict"] if promise["seq"] else _not_judged(one),
        "reason": promise["reason"],
        "seq": promise["seq"],
    }


def _not_judged(one: story.Drill) -> str:
    return "not run" if one.verdict == story.NOT_RUN else "not judged"


def _controls(run: story.Run, detailed: set[str]) -> list[Json]:
    return [
        {
            "name": one.name,
            "anchor": _slug(one.key) if one.key in detailed else "",
            "ok": bool(one.result["as_expected"]),
            "expectation": one.result["expectation"],
            "verdict": one.verdict,
        }
        for one in run.drills
        if one.control
    ][:MOST_ROWS]


def _index(run: story.Run, detailed: set[str]) -> list[Json]:
    return [
        {
            "number": one.number,
            "name": one.name,
            "verdict": one.verdict,
            "as_expected": bool(one.result["as_expected"]),
            "control": one.control,
            "clauses": " ".join(one.drill["clauses"]),
            "after": one.result["target_after"],
            "code": one.result["code"],
            "anchor": _slug(one.key) if one.key in detailed else "",
        }
        for one in run.drills
    ]


def _chapter(run: story.Run, one: story.Drill) -> Json:
    seen = _seen(one)
    clients = [client for client, _, _ in seen]
    code = CODES.get(one.result["code"])
    return {
        "drill": one,
        "id": _slug(one.key),
        "sentence": telling.sentence(one),
        "code": {"name": one.result["code"], "says": code.sentence, "cure": code.cure}
        if code
        else None,
        "rows": [_row(run, one, promise, {one.key}) for promise in one.promises],
        "gherkin": _gherkin(one),
        "changes": _changes(one),
        "views": [
            {"client": client, "svgs": svgs, "stretches": stretches}
            for client, svgs, stretches in seen
        ],
        "phases": _phases(one),
        "previous": _previous(run, one),
        "trust": telling.trust(run, one, clients),
        "not_proved": telling.not_proved(run, one, clients),
        "timeline": _timeline(one),
        "lines_left_out": max(0, len(one.lines) - MOST_LINES),
        "faults": _faults(one),
        "configuration": _configuration(one),
        "files": _files(one),
        "sha256": story.drill_hash(one),
    }


# What customers saw.


@dataclass(frozen=True)
class _Moments:
    """The moments that a drawing needs, None where the journal has none."""

    t0: tuple[int, int] | None
    rto: Json | None
    base: Json | None

    @property
    def outage(self) -> tuple[int, int] | None:
        """From the fault until it is known that customers were not yet served."""
        if not self.t0 or not self.rto or not self.rto["bad"]:
            return None
        return self.t0[0], self.rto["not_before_us"]

    @property
    def back(self) -> tuple[int, int] | None:
        """The interval that holds the moment of return."""
        if not self.outage or self.rto is None or self.rto["not_after_us"] is None:
            return None
        return self.rto["not_before_us"], self.rto["not_after_us"]


def pictures(one: story.Drill) -> list[tuple[str, str]]:
    """(what it shows, SVG as a file of its own), for results that are no page."""
    found = []
    for client, svgs, _ in _seen(one):
        places = [""] if len(svgs) == 1 else [", near the fault", ""]
        names = (f"What {client.name} saw{place}" for place in places)
        found += list(zip(names, map(drawing.standalone, svgs), strict=True))
    return found


def _seen(one: story.Drill) -> list[tuple[Client, list[str], list[Json]]]:
    moments = _Moments(one.t0, one.first("measured", kind="rto"), one.first("baseline"))
    found = []
    for number, path in enumerate(one.ledgers[:MOST_CLIENTS]):
        ends = span(path)
        if ends is None:
            continue
        windows = _windows(moments, ends)
        stretches = _stretches(moments, ends, one)
        client = look(path, windows, stretches)
        svgs = [
            drawing.outage(
                _panel(one, client, window, moments), f"{_slug(one.key)}-{number}-{place}"
            )
            for place, window in enumerate(windows)
        ]
        found.append((client, svgs, [_stretch(each) for each in stretches]))
    return found


def _windows(moments: _Moments, ends: tuple[int, int]) -> list[Window]:
    """The whole watch, and before it a nearer look at the fault where the whole is too wide."""
    first, last = ends[0], ends[1] + 1
    near = tuple(one for pair in (moments.t0, moments.back) if pair for one in pair)
    whole = Window(first, last, drawing.PLOT, near)
    if moments.t0 is None:
        return [whole]
    end = (moments.back or moments.outage or moments.t0)[1]
    aside = max(1_000_000, (end - moments.t0[0]) // 3)
    close = Window(max(first, moments.t0[0] - aside), min(last, end + aside), drawing.PLOT, near)
    wide = whole.to_us - whole.from_us > 2 * (close.to_us - close.from_us)
    return [close, whole] if wide and close.to_us > close.from_us else [whole]


def _stretches(moments: _Moments, ends: tuple[int, int], one: story.Drill) -> list[Stretch]:
    """The watch cut at the moments that matter, for those who read figures."""
    first, last = ends[0], ends[1] + 1
    if moments.t0 is None:
        return [Stretch("the whole watch; there was no fault", first, last)]
    cuts = [(moments.t0[0], "before the fault")]
    if moments.back:
        cuts.append((moments.back[1], "from the fault until customers were back"))
    not_back = "from the fault on: not back" if moments.outage else "from the fault on"
    after = "after that" if moments.back else not_back
    if watched := one.first("watched"):
        cuts += [(watched["at_us"], f"{after}, until the watch ended")]
        after = "while we healed and looked on"
    cuts = [(min(at, last), name) for at, name in [*cuts, (last, after)] if at > first]
    found = []
    for at, name in cuts:
        found += [Stretch(name, first, at)] if at > first else []
        first = max(first, at)
    return found


def _stretch(one: Stretch) -> Json:
    total = {key: getattr(one.total, key) for key in ("ok", "failed", "unanswered", "shed")}
    return {
        "name": one.name,
        "lasted": seconds_text(one.to_us - one.from_us),
        **total,
        "served": telling.served(total),
        "slowest": telling.fine(one.total.most_us) if one.total.ok else "",
    }


def _panel(one: story.Drill, client: Client, window: Window, moments: _Moments) -> Panel:
    zero = moments.t0[1] if moments.t0 else window.from_us
    text = (
        words.measured(
            {"lower": moments.rto["lower_us"], "upper": moments.rto["upper_us"], "unit": "us"}
            | {"note": ""}
        )
        if moments.rto
        else ""
    )
    back = f" Service was back within {text} of the fault." if moments.back else ""
    whole = "every attempt" if window.all_points else "least and most a column"
    band = max(LATENCY_FACTOR * moments.base["p95_us"], FLOOR_US) if moments.base else 0
    return Panel(
        title=f"What {client.name} saw: {one.name}",
        description=(
            f"Latency of answers over time, {whole}; failed and unanswered attempts in lanes "
            f"below.{back} The table below holds the figures."
        ),
        window=window,
        zero_us=zero,
        deadline_us=client.deadline_us,
        period_us=client.period_us,
        band_us=band,
        outage=moments.outage,
        back=moments.back,
        marks=tuple(_marks(one, moments)),
    )


def _marks(one: story.Drill, moments: _Moments) -> list[Mark]:
    found = []
    if moments.t0:
        found.append(Mark(moments.t0[1], "the fault strikes", "fault"))
    if moments.t0 and moments.rto and moments.rto["first_error_us"]:
        found.append(Mark(moments.rto["first_error_us"], "first error", "error"))
    if moments.back:
        found.append(Mark(moments.back[1], "customers are back", "back"))
    bites = [line for line in one.events("bit") if moments.t0 and line["at_us"] >= moments.t0[0]]
    found += [Mark(line["at_us"], "harm proved", "proof") for line in bites[:1]]
    healed = [line for line in one.events("healed") if moments.t0][-1:]
    if healed and (watched := one.first("watched")):
        found.append(Mark(watched["at_us"], "the watch ends, our healing begins", "heal"))
    found += [Mark(line["at_us"], "our healing ends", "heal") for line in healed]
    found += [Mark(each["at_us"], each["name"], "phase") for each in one.result["phases"][:4]]
    return found


# Phases, changes, configuration.


def _phases(one: story.Drill) -> list[Json]:
    """What followed the fault, one bar from each moment to the next."""
    if not one.t0:
        return []
    rto = one.first("measured", kind="rto") or {}
    moments = [(each["at_us"], each["name"], each["source"]) for each in one.result["phases"]]
    moments += [
        (line["at_us"], f"harm of {line['fault']} proved", "keeper")
        for line in one.events("bit")
        if line["at_us"] >= one.t0[0]
    ]
    for key, name in (
        ("first_error_us", "first customer error"),
        ("not_after_us", "customers are back"),
    ):
        if rto.get(key) and rto.get("bad"):
            moments.append((rto[key], name, "recorder"))
    moments += [
        (line["at_us"], f"healing of {line['fault']} proved", "keeper")
        for line in one.events("healed")
    ]
    moments += [
        (line["at_us"], f"redundancy of {line['system']} is back", "keeper")
        for line in one.events("redundancy")
        if line["back"]
    ]
    moments = sorted(each for each in moments if each[0] >= one.t0[0])
    last = max((at for at, _, _ in moments), default=0) - one.t0[1]
    rows, before = [], one.t0[1]
    for at, name, source in moments:
        rows.append(
            {
                "name": name,
                "source": source,
                "at": drawing.moment(at - one.t0[1]),
                "took": telling.fine(max(0, at - before)),
                "left": _share(before - one.t0[1], last),
                "width": _share(at - before, last),
            }
        )
        before = max(before, at)
    return rows


def _share(part: int, whole: int) -> str:
    return f"{max(0.0, 100 * part / whole):.2f}" if whole > 0 else "0"


def _changes(one: story.Drill) -> list[str]:
    """What the drill left changed, member by member; the journal's own words where it has none."""
    told = []
    for system in one.drill["systems"]:
        before, after = beside.captured(one, system)
        if after:
            told += [f"{system}: {each}" for each in _differences(before, after)]
    return told or [str(each) for each in one.result["target_after_why"]]


def _net_changes(run: story.Run) -> list[str]:
    """What all drills together left changed: the first capture of the run against the last."""
    if len(run.drills) > MOST_DETAILED:
        return []
    first: dict[str, Json] = {}
    last: dict[str, Json] = {}
    for one in run.drills:
        for system in one.drill["systems"]:
            before, after = beside.captured(one, system)
            if before:
                first.setdefault(system, before)
            if after:
                last[system] = after
    return [
        f"{system}: {each}"
        for system in sorted(last)
        for each in _differences(first[system], last[system])
    ]


def _differences(before: Json, after: Json) -> list[str]:
    gone, come = before.keys() - after.keys(), after.keys() - before.keys()
    told = [
        f"{key}: {before[key]} → {after[key]}"
        for key in sorted(before.keys() & after.keys())
        if before[key] != after[key]
    ]
    for keys, word in ((gone, "no longer there"), (come, "new")):
        groups = sorted({key.rpartition(".")[0] or key for key in keys})
        told += [f"{key}: {word}" for key in groups]
    return told


def _previous(run: story.Run, one: story.Drill) -> Json | None:
    earlier = run.previous.get(one.drill["id"])
    if not earlier:
        return None
    now = beside.comparable(one)
    figures = [
        {
            "text": each["text"],
            "then": _figure(earlier["promises"].get(name)),
            "now": _figure(each),
        }
        for name, each in now["promises"].items()
    ]
    facts = _differences(earlier["facts"], now["facts"])
    for system, captured in now["captured"].items():
        old = earlier["captured"].get(system, {})
        facts += [f"{system}: {each}" for each in _differences(old, captured)] if old else []
    return {"run": earlier["run"], "utc": _utc(earlier["utc"]), "figures": figures, "facts": facts}


def _figure(one: Json | None) -> str:
    if one is None or one["lower"] is None:
        return "not measured"
    return Interval(one["lower"], one["upper"], one["unit"]).text()


def _configuration(one: story.Drill) -> list[Json]:
    found = []
    for system in one.drill["systems"]:
        before, after = beside.captured(one, system)
        keys = sorted(before.keys() | after.keys())
        rows = [
            (key, before.get(key, "nothing"), after.get(key, "nothing" if after else ""))
            for key in keys
        ]
        identity = one.calls(f"identify {system}")
        said = identity[0]["output"] if identity and identity[0]["status"] == "done" else None
        found.append({"system": system, "identity": said, "rows": rows[:MOST_LINES]})
    return found


# What was done, and by which files it is held up.


def _gherkin(one: story.Drill) -> list[tuple[str, str]]:
    """The scenario's sentences as they were compiled, with And where a keyword repeats."""
    told, before = [], ""
    for step in one.drill["steps"]:
        keyword = step["keyword"]
        told.append(("And" if keyword == before else keyword.capitalize(), step["text"]))
        before = keyword
    return told


def _timeline(one: story.Drill) -> list[Json]:
    zero = one.t0[1] if one.t0 else None
    return [
        {
            "id": f"{_slug(one.key)}-{'' if line['file'] == story.KEEPER_JOURNAL else 'h-'}"
            f"{line['seq']}",
            "seq": line["seq"],
            "file": "" if line["file"] == story.KEEPER_JOURNAL else line["file"],
            "at": drawing.moment(line["at_us"] - zero) if zero else "",
            "utc": str(line["utc"])[11:23],
            "event": line["event"],
            "text": words.in_words(line),
        }
        for line in one.lines[:MOST_LINES]
    ]


def _faults(one: story.Drill) -> list[Json]:
    found = []
    for name, about in one.drill["faults"].items():
        aimed = [
            victim
            for line in one.events("aimed")
            if line["fault"] == name
            for victim in line["victims"]
        ]
        healed = [line for line in one.events("healed") if line["fault"] == name]
        undos = [line for line in one.events("undo written") if line["fault"] == name]
        found.append(
            {
                "name": name,
                "does": about.get("does", ""),
                "lasts": about.get("lasts", ""),
                "leaves": about.get("leaves", ""),
                "sha256": about.get("sha256", ""),
                "victims": [str(each.get("id", each.get("name"))) for each in aimed],
                "shell": [text for line in undos for text in line["shell"]],
                "healed": healed[-1]["seq"] if healed else 0,
            }
        )
    return found


def _files(one: story.Drill) -> list[Json]:
    """Files with their hashes; for a journal also the hash of its last line, its head."""
    heads = {each.name: each.reading.head for each in one.journals}
    if one.folder is None:
        return []
    return [
        {
            "name": f"{one.folder.name}/{name}",
            "bytes": size,
            "sha256": digest,
            "head": heads.get(name, ""),
        }
        for name, size, digest in story.file_hashes(one.folder)
        if name.endswith(EVIDENCE_ENDS)
    ]


def _run_files(run: story.Run) -> list[Json]:
    found = story.file_hashes(run.folder, deep=False)
    return [
        {"name": name, "bytes": size, "sha256": digest, "head": ""}
        for name, size, digest in found
        if name in EVIDENCE
    ]


def _slug(text: str) -> str:
    """An anchor; drills' folders may hold letters of any script, which anchors may too."""
    return "d-" + "".join(one if one.isalnum() or one == "-" else "-" for one in text)


def _utc(text: str) -> str:
    return f"{text[:10]} {text[11:19]} UTC" if len(text) > 19 else text
