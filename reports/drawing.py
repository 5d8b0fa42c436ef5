"""What customers saw, as SVG: small, without a library, equal bytes for equal input.

Good answers stand by their latency on a logarithmic scale; the others stand in lanes of their
own, so that nothing depends on colour. Colours come from `page/drawing.css`.
"""

import html
import re
from dataclasses import dataclass
from math import log10
from pathlib import Path

from firemarshal.clock import seconds_text
from firemarshal.ledger import Outcome
from firemarshal.reports.attempts import Window

WIDTH, LEFT, RIGHT = 960, 84, 18
PLOT = WIDTH - LEFT - RIGHT
ROW, LATENCY, LANE, GAP, AXIS = 15, 150, 15, 8, 34
STRIP, STRIP_HIGH, THIN = 220, 16, 4
LOWEST_US = 100
LONGEST = 60
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
STYLE = Path(__file__).parent / "page" / "drawing.css"
STEPS_US = [
    unit * factor
    for unit, factors in (
        (1_000, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
        (1_000_000, (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800)),
        (3_600_000_000, (1, 2, 4, 6, 12, 24, 48, 168)),
    )
    for factor in factors
]


Lane = tuple[str, str, list[tuple[int, int]]]


@dataclass(frozen=True)
class Mark:
    """A moment with a label; `kind` is fault, proof, error, back, heal, claim or phase."""

    at_us: int
    label: str
    kind: str


@dataclass(frozen=True)
class Panel:
    """One drawing: a filled window, and what it is seen against.

    `zero_us` is the axis' 0; `outage` the stretch without service and `back` the interval that
    holds the moment of return, each None where there is none; `lost` holds every acknowledged write
    that is gone, from the oldest to the newest; `band_us` the slowest answer that
    counts as normal, 0 where no baseline was taken.
    """

    title: str
    description: str
    window: Window
    zero_us: int
    deadline_us: int
    period_us: int = 0
    band_us: int = 0
    outage: tuple[int, int] | None = None
    back: tuple[int, int] | None = None
    marks: tuple[Mark, ...] = ()
    since: str = "time since the fault"
    lost: tuple[int, int] | None = None

    @property
    def gap(self) -> int:
        """How many columns may be empty between two attempts that follow each other."""
        window = self.window
        return 1 + self.period_us * window.width // (window.to_us - window.from_us)


@dataclass(frozen=True)
class _Frame:
    """Where things stand: x of a moment, y of a latency."""

    panel: Panel
    top: int
    highest_us: int

    def x(self, at_us: int) -> float:
        """The column of a moment, clamped to the plot."""
        window = self.panel.window
        share = (at_us - window.from_us) / (window.to_us - window.from_us)
        return round(LEFT + PLOT * min(1.0, max(0.0, share)), 1)

    def y(self, latency_us: int) -> float:
        """The row of a latency on the logarithmic scale, clamped to it."""
        low, high = log10(LOWEST_US), log10(self.highest_us)
        value = log10(min(max(latency_us, LOWEST_US), self.highest_us))
        return round(self.top + LATENCY * (1 - (value - low) / (high - low)), 1)

    @property
    def lanes(self) -> int:
        """Where the lanes begin."""
        return self.top + LATENCY + GAP

    def holds(self, at_us: int) -> bool:
        """Whether a moment lies within the window."""
        return self.panel.window.from_us <= at_us <= self.panel.window.to_us


def outage(panel: Panel, key: str) -> str:
    """The SVG of a panel; `key` makes its ids unique in a page."""
    marks = sorted(panel.marks, key=lambda one: one.at_us)
    shown = [one for one in marks if panel.window.from_us <= one.at_us <= panel.window.to_us]
    highest = max(panel.deadline_us, *(one.most_us for one in panel.window.columns), 10_000)
    frame = _Frame(panel, 8 + ROW * len(shown), round(highest * 1.2))
    lanes = _lanes(panel)
    bottom = frame.lanes + LANE * len(lanes)
    parts = [
        *_shades(frame, bottom),
        *_scale(frame),
        *_latencies(frame),
        *_lane_parts(frame, lanes),
        *_axis(frame, bottom),
        *_mark_parts(frame, shown, bottom),
    ]
    return (
        f'<svg class="drawing" role="img" viewBox="0 0 {WIDTH} {bottom + AXIS}" '
        f'aria-labelledby="{escape(key)}-t {escape(key)}-d" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{escape(key)}-t">{escape(panel.title)}</title>'
        f'<desc id="{escape(key)}-d">{escape(panel.description)}</desc>' + "".join(parts) + "</svg>"
    )


def strip(window: Window, zero_us: int | None, says: str) -> str:
    """A watch in one line for lists: thin where customers were served, tall where they were not.

    Half as tall where only some attempts of a column went wrong, so that it needs no colour.
    """
    step = STRIP / window.width
    parts = []
    for height, first, end in _levels(window):
        x, width = first * step, (end - first) * step
        name = "served" if height == THIN else "down"
        top = (STRIP_HIGH - height) / 2
        parts.append(_rect(name, round(x, 1), top, round(max(0.8, width), 1), height))
    if zero_us is not None:
        x = round(STRIP * (zero_us - window.from_us) / (window.to_us - window.from_us), 1)
        parts.append(_line("stem fault", x, 0, x, STRIP_HIGH))
    return (
        f'<svg class="drawing strip" role="img" viewBox="0 0 {STRIP} {STRIP_HIGH}" '
        f'aria-label="{escape(says)}" xmlns="http://www.w3.org/2000/svg">'
        + "".join(parts)
        + "</svg>"
    )


def _levels(window: Window) -> list[tuple[int, int, int]]:
    """(height, first column, end) of stretches that look alike; columns without attempts none.

    A column that holds no attempt looks like the one before, as long as attempts follow.
    """
    found: list[tuple[int, int, int]] = []
    for number, one in enumerate(window.columns):
        bad = one.failed + one.unanswered
        if not one.ok and not bad:
            continue
        height = THIN if not bad else STRIP_HIGH if bad >= one.ok else STRIP_HIGH // 2
        if found:
            before, first, _ = found[-1]
            found[-1] = (before, first, number)
            if before == height:
                found[-1] = (before, first, number + 1)
                continue
        found.append((height, number, number + 1))
    return found


def escape(text: str) -> str:
    """Text as markup, without the control characters that no XML may hold."""
    return html.escape(_CONTROLS.sub("", text))


def standalone(svg: str) -> str:
    """The same drawing as a file of its own: with its colours and a ground of its own."""
    head, _, rest = svg.partition("<title")
    size = head.partition('viewBox="0 0 ')[2].partition('"')[0].split(" ")
    head = head.replace("<svg ", f'<svg width="{size[0]}" height="{size[1]}" ', 1)
    style = f"<style>{STYLE.read_text(encoding='utf-8')}</style>"
    return f'{head}{style}<rect class="ground" width="100%" height="100%"/><title{rest}'


def _lanes(panel: Panel) -> list[Lane]:
    """(class, label, stretches of columns); lost and not sent only where there is something."""
    columns = panel.window.columns
    counts = [
        ("failed", "failed", [one.failed for one in columns]),
        ("unanswered", "no answer", [one.unanswered for one in columns]),
        ("shed", "not sent", [one.shed for one in columns]),
    ]
    lanes = [(name, label, _runs(each, panel.gap)) for name, label, each in counts]
    lanes = [one for one in lanes if one[0] != "shed" or one[2]]
    return [*lanes, ("lost", "lost within", [_columns(panel)])] if panel.lost else lanes


def _columns(panel: Panel) -> tuple[int, int]:
    """The columns between the oldest and the newest lost write, as far as the window shows them."""
    window = panel.window
    oldest, newest = panel.lost or (0, 0)
    first, last = (
        (min(max(at, window.from_us), window.to_us) - window.from_us)
        * window.width
        // (window.to_us - window.from_us)
        for at in (oldest, newest)
    )
    seen = newest >= window.from_us and oldest <= window.to_us
    return first, last + 1 if seen else first


def _shades(frame: _Frame, bottom: int) -> list[str]:
    panel, parts = frame.panel, []
    for name, stretch in (("outage", panel.outage), ("back", panel.back)):
        if stretch is None or stretch[1] < panel.window.from_us:
            continue
        x, end = frame.x(stretch[0]), frame.x(stretch[1])
        parts.append(_rect(name, x, frame.top, max(1.5, end - x), bottom - frame.top))
    if panel.band_us:
        y = frame.y(panel.band_us)
        parts.append(_text("note end", WIDTH - RIGHT - 4, y - 3, "normal: below this line"))
        parts.append(_line("band-edge", LEFT, y, WIDTH - RIGHT, y))
    return parts


def _scale(frame: _Frame) -> list[str]:
    parts = []
    for value in (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000):
        if LOWEST_US < value < frame.highest_us:
            y = frame.y(value)
            parts.append(_line("grid", LEFT, y, WIDTH - RIGHT, y))
            label = f"{value // 1000} ms" if value < 1_000_000 else f"{value // 1_000_000} s"
            parts.append(_text("tick end", LEFT - 6, y + 4, label))
    parts.append(_text("tick end strong", LEFT - 6, frame.top + 10, "answered"))
    return parts


def _latencies(frame: _Frame) -> list[str]:
    window = frame.panel.window
    points = [(frame.x(at), frame.y(us)) for at, us, end in window.points if end == Outcome.OK]
    dots = "".join(f"M{x:g} {y:g}h0" for x, y in points)
    parts = []
    if not window.all_points:
        step = PLOT / window.width
        strokes = "".join(
            f"M{LEFT + (number + 0.5) * step:.1f} {frame.y(one.most_us) - 0.5:g}"
            f"V{frame.y(one.least_us) + 0.5:g}"
            for number, one in enumerate(window.columns)
            if one.ok
        )
        parts.append(f'<path class="envelope" stroke-width="{step:.2f}" d="{strokes}"/>')
    if dots:
        parts.append(f'<path class="dots" d="{dots}"/>')
    return parts


def _lane_parts(frame: _Frame, lanes: list[Lane]) -> list[str]:
    parts, step = [], PLOT / frame.panel.window.width
    for number, (name, label, runs) in enumerate(lanes):
        y = frame.lanes + LANE * number
        parts.append(_line("grid", LEFT, y + LANE - 1, WIDTH - RIGHT, y + LANE - 1))
        parts.append(_text("tick end strong", LEFT - 6, y + 11, label))
        for first, end in runs:
            if end <= first:
                continue
            x, width = LEFT + first * step, max(1.2, (end - first) * step)
            parts.append(_rect(name, round(x, 1), y + 2, round(width, 1), LANE - 5))
    return parts


def _runs(counts: list[int], gap: int) -> list[tuple[int, int]]:
    """Stretches of columns that hold something; up to `gap` empty ones are the rate's doing."""
    runs: list[tuple[int, int]] = []
    for number, count in enumerate(counts):
        if not count:
            continue
        if runs and number - runs[-1][1] <= gap:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


def _axis(frame: _Frame, bottom: int) -> list[str]:
    panel, window = frame.panel, frame.panel.window
    parts = [_line("axis", LEFT, bottom, WIDTH - RIGHT, bottom)]
    wanted = (window.to_us - window.from_us) / 10
    step = next((one for one in STEPS_US if one >= wanted), STEPS_US[-1])
    tick = -(-(window.from_us - panel.zero_us) // step) * step
    while panel.zero_us + tick <= window.to_us:
        x = frame.x(panel.zero_us + tick)
        parts.append(_line("axis", x, bottom, x, bottom + 4))
        parts.append(_text("tick middle", x, bottom + 16, _tick(tick)))
        tick += step
    parts.append(_text("note end", WIDTH - RIGHT, bottom + 30, panel.since))
    return parts


def _mark_parts(frame: _Frame, marks: list[Mark], bottom: int) -> list[str]:
    """Stems, then labels on top of them; the first moment stands highest."""
    stems, labels = [], []
    for number, one in enumerate(marks):
        x, y = frame.x(one.at_us), 12 + ROW * number
        stems.append(_line(f"stem {one.kind}", x, y - 8, x, bottom))
        right = x < LEFT + PLOT * 0.6
        name = one.label if len(one.label) <= LONGEST else f"{one.label[:LONGEST]}…"
        label = f"{name}, {moment(one.at_us - frame.panel.zero_us)}"
        anchor = "start" if right else "end"
        labels.append(_text(f"label {anchor} {one.kind}", x + (4 if right else -4), y, label))
    return [*stems, *labels]


def moment(us: int) -> str:
    """A moment against the fault, as "+2.395 s" or "+9.0 ms"; the fault itself is T0."""
    if us == 0:
        return "T0"
    size = abs(us)
    text = f"{size / 1000:.1f} ms" if size < 1_000_000 else seconds_text(size)
    return f"{'+' if us > 0 else '-'}{text}"


def _tick(us: int) -> str:
    """A round moment for the axis."""
    sign, size = ("" if us == 0 else "+" if us > 0 else "-"), abs(us)
    if 0 < size < 1_000_000:
        return f"{sign}{size // 1000} ms"
    return f"{sign}{size / 1e6:g} s" if size < 120_000_000 else sign + seconds_text(size)


def _rect(name: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{name}" x="{x:g}" y="{y:g}" width="{max(0.0, width):.1f}" '
        f'height="{max(0.0, height):.1f}"/>'
    )


def _line(name: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path class="{name}" d="M{x1:g} {y1:g}L{x2:g} {y2:g}"/>'


def _text(name: str, x: float, y: float, text: str) -> str:
    return f'<text class="{name}" x="{x:g}" y="{y:g}">{escape(text)}</text>'
