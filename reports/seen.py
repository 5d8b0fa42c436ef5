"""What customers saw in a drill: the ledgers as drawings and as figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from firemarshal.clock import seconds_text
from firemarshal.measure import FLOOR_US, LATENCY_FACTOR
from firemarshal.reports import drawing, story, telling, words
from firemarshal.reports.attempts import Client, Stretch, Window, look, span
from firemarshal.reports.drawing import Mark, Panel

MOST_CLIENTS = 4
BEGINS = {"the fault": "the fault strikes", "the recovery": "the recovery begins"}
LEAST_SCALE_US = 1_000_000
Json = dict[str, Any]


@dataclass(frozen=True)
class _Moments:
    """The moments that a drawing needs, None where the journal has none."""

    t0: tuple[int, int] | None
    rto: Json | None
    base: Json | None

    @property
    def outage(self) -> tuple[int, int] | None:
        """From the fault until it is known that customers were not yet served.

        None where the first attempt that went wrong came when they were held to be back already.
        """
        if not self.t0 or not self.rto or not telling.went_down(self.rto):
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
    for view in views(one):
        places = [""] if len(view.svgs) == 1 else [f", near {one.origin}", ""]
        names = (f"What {view.client.name} saw{place}" for place in places)
        found += list(zip(names, map(drawing.standalone, view.svgs), strict=True))
    return found


@dataclass(frozen=True)
class View:
    """What one recorder saw: drawings, the same in one line for lists, and as figures."""

    client: Client
    svgs: list[str]
    strip: str
    stretches: list[Json]


def views(one: story.Drill, scale: tuple[int, int] | None = None) -> list[View]:
    """The view of each ledger that holds attempts; `scale` of the strip as `common_scale` says."""
    moments = _moments(one)
    found = []
    for number, path in enumerate(one.ledgers[:MOST_CLIENTS]):
        ends = span(path)
        if ends is None:
            continue
        windows = _windows(moments, ends)
        in_line = _in_line(moments, ends, scale)
        stretches = _stretches(moments, ends, one)
        client = look(path, [*windows, in_line], stretches)
        svgs = [
            drawing.outage(_panel(one, client, window, moments), f"{one.anchor}-{number}-{place}")
            for place, window in enumerate(windows)
        ]
        strip = drawing.strip(in_line, moments.t0[1] if moments.t0 else None, _says(moments))
        found.append(View(client, svgs, strip, [_stretch(each) for each in stretches]))
    return found


def common_scale(drills: Iterable[story.Drill]) -> tuple[int, int] | None:
    """(before, after) T0, round, so that every drill's outage is shown; None without a fault."""
    ends = [
        (moments.back or (0, _until(moments, one)))[1] - moments.t0[1]
        for one in drills
        if (moments := _moments(one)).t0
    ]
    wanted = max([LEAST_SCALE_US, *(end * 9 // 8 for end in ends)])
    after = next((one for one in drawing.STEPS_US if one >= wanted), wanted)
    return (after // 10, after) if ends else None


def _until(moments: _Moments, one: story.Drill) -> int:
    """How far to look at a drill whose customers were not seen to come back, or never left."""
    struck = moments.t0[1] if moments.t0 else 0
    if moments.rto and not telling.went_down(moments.rto):
        return struck
    watched = one.first("watched")
    return int(watched["at_us"]) if watched else struck


def _moments(one: story.Drill) -> _Moments:
    return _Moments(one.t0, one.first("measured", kind="rto"), one.first("baseline"))


def _in_line(moments: _Moments, ends: tuple[int, int], scale: tuple[int, int] | None) -> Window:
    if scale is None:
        return Window(ends[0], ends[1] + 1, drawing.STRIP)
    if not moments.t0:
        return Window(ends[0], ends[0] + sum(scale), drawing.STRIP)
    return Window(moments.t0[1] - scale[0], moments.t0[1] + scale[1], drawing.STRIP)


def _says(moments: _Moments) -> str:
    if not moments.t0:
        return "no fault struck"
    if moments.back:
        return f"not served until {drawing.moment(moments.back[1] - moments.t0[1])}"
    return "not served to the end of the watch" if moments.outage else "served as before"


def _windows(moments: _Moments, ends: tuple[int, int]) -> list[Window]:
    """The whole watch, and before it a nearer look at the fault where the whole is too wide."""
    first, last = ends[0], ends[1] + 1
    near = tuple(one for pair in (moments.t0, moments.back) if pair for one in pair)
    whole = Window(first, last, drawing.PLOT, near)
    if moments.t0 is None or not (moments.outage or moments.rto is None):
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
    cuts = [(moments.t0[0], f"before {one.origin}")]
    if moments.back:
        cuts.append((moments.back[1], f"from {one.origin} until customers were back"))
    on = f"from {one.origin} on"
    not_back = f"{on}: not back" if moments.outage else on
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
        "slowest": words.fine(one.total.most_us) if one.total.ok else "",
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
    back = f" Service was back within {text} of {one.origin}." if moments.back else ""
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
        since=f"time since {one.origin}" if moments.t0 else "time since the watch began",
        lost=_lost(one),
    )


def _lost(one: story.Drill) -> tuple[int, int] | None:
    """The oldest and the newest acknowledged write that is gone, as the journal has them."""
    line = one.first("measured", kind="loss")
    if line is None or not line["lost"] or line.get("oldest_lost_us") is None:
        return None
    return line["oldest_lost_us"], line["newest_lost_us"]


def _marks(one: story.Drill, moments: _Moments) -> list[Mark]:
    found = []
    if moments.t0:
        found.append(Mark(moments.t0[1], BEGINS[one.origin], "fault"))
    if moments.t0 and moments.rto and moments.rto["first_error_us"]:
        found.append(Mark(moments.rto["first_error_us"], "first error", "error"))
    if moments.back:
        found.append(Mark(moments.back[1], "customers are back", "back"))
    bites = [line for line in one.events("bit") if moments.t0 and line["at_us"] >= moments.t0[0]]
    found += [Mark(line["at_us"], "harm proved", "proof") for line in bites[:1]]
    found += _healing(one) if moments.t0 else []
    found += [Mark(each["at_us"], each["name"], "phase") for each in one.result["phases"][:4]]
    return [*found, *_people(one)]


def _people(one: story.Drill) -> list[Mark]:
    """When people began, and when they or their runbook said that it was done."""
    found = []
    for each in [each for each in one.recoveries if each["begun_us"]][:2]:
        if not one.t0 or each["begun_us"] != one.t0[0]:
            found.append(Mark(each["begun_us"], f"{each['name']}: begins", "phase"))
        if each["claimed"]:
            said = f"{each['name']}: says {each['claimed']}"
            found.append(Mark(each["ended_us"], said, "claim"))
    return found


def _healing(one: story.Drill) -> list[Mark]:
    """The last proof of healing; before the watch ended it was the planned end of the fault."""
    watched, healed = one.first("watched"), one.events("healed")[-1:]
    ends = "the watch ends"
    found = []
    for line in healed:
        planned = watched is not None and line["at_us"] < watched["at_us"]
        ends += "" if planned else ", our healing begins"
        name = "the fault ends as planned" if planned else "our healing ends"
        found.append(Mark(line["at_us"], name, "heal"))
    return [*found, Mark(watched["at_us"], ends, "heal")] if watched else found
