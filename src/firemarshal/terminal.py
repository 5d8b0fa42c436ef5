"""What a person sees: what happens now, a stopwatch, and at the end one table."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from shutil import get_terminal_size
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from firemarshal import duration
from firemarshal.verdict import Interval

Json = dict[str, Any]
EVENTS = {
    "aimed": "aimed",
    "injected": "fault injected",
    "bit": "the fault bites",
    "healed": "healed, and proved",
    "stopped": "stopping",
    "did not bite": "the fault did NOT bite",
}
PROMISE_COLOURS = {"met": "green", "missed": "red", "unknown": "yellow"}
PIPED_WIDTH = 140
COLOURS = {"PASSED": "green", "FAILED": "red", "INVALID": "yellow", "ABORTED": "yellow"}


class Progress:
    """Plain lines where there is no terminal; there, one line more that runs a stopwatch."""

    def __init__(
        self,
        out: TextIO,
        uncaptured: Callable[[], AbstractContextManager[None]] = nullcontext,
        fresh_line: Callable[[], None] = lambda: None,
    ) -> None:
        self._out, self._uncaptured, self._fresh_line = out, uncaptured, fresh_line
        self._live = out.isatty()
        self._drill = ""
        self._struck_at = 0.0
        self._state: Json = {}
        self._standing: list[str] = []
        self._dirty = False

    def __call__(self, message: Json) -> None:
        """Hear one message of a run."""
        handler = getattr(self, f"_on_{message['tell']}", None)
        if handler:
            handler(message)

    def line(self, text: str) -> None:
        """One line that stays."""
        with self._uncaptured():
            self._wipe()
            self._fresh_line()
            self._out.write(text + "\n")
            self._out.flush()

    def _on_lab(self, message: Json) -> None:
        self.line(f"  lab: {message['text']}")

    def _on_event(self, message: Json) -> None:
        self._begin(message)
        if text := EVENTS.get(message["event"]):
            facts = " ".join(str(message[key]) for key in ("fault", "why") if message.get(key))
            self.line(f"  {self._stopwatch()}{text} {facts}".rstrip())

    def _on_undo(self, message: Json) -> None:
        self.line(f"  to undo it by hand: {message['shell']}")

    def _on_struck(self, message: Json) -> None:
        self._struck_at = time.monotonic()

    def _on_watching(self, message: Json) -> None:
        self._state = message
        if message.get("changed"):
            self.line(f"  {self._stopwatch()}writes: {message['state']}")
        if self._live:
            self._draw()

    def _on_healing(self, message: Json) -> None:
        if message["standing"] and message["standing"] != self._standing:
            for one in message["standing"]:
                self.line(f"  {self._stopwatch()}still stands, trying on: {one}")
        self._standing = message["standing"]

    def _on_signal(self, message: Json) -> None:
        if message["count"] == 1:
            self.line(f"  {message['name']}: ending the drill, healing; wait for it")
        else:
            stands = [f"{name}: {', '.join(one)}" for name, one in message["standing"].items()]
            still = "; ".join(stands) or "nothing any more"
            self.line(f"  {message['name']} again: the keeper goes on healing; stands: {still}")

    def _on_silent(self, message: Json) -> None:
        self.line(f"  the keeper (pid {message['pid']}) stands still: ending it, another one heals")

    def _on_tick(self, message: Json) -> None:
        if self._live and self._state:
            self._draw()

    def _begin(self, message: Json) -> None:
        if message.get("drill", "") != self._drill and message["event"] == "opened":
            self._drill = message["drill"]
            self._struck_at, self._state = 0.0, {}
            self.line(f"\n{self._drill}")

    def _stopwatch(self) -> str:
        if not self._struck_at:
            return ""
        return f"+{time.monotonic() - self._struck_at:6.1f} s  "

    def _draw(self) -> None:
        state = self._state
        parts = (f"writes: {state['state']}", state["until"], "Ctrl-C heals")
        text = f"  {self._stopwatch()}" + "; ".join(part for part in parts if part)
        width = get_terminal_size().columns - 1
        with self._uncaptured():
            self._out.write("\r\x1b[2K" + text[:width])
            self._out.flush()
        self._dirty = True

    def _wipe(self) -> None:
        if self._dirty:
            self._out.write("\r\x1b[2K")
            self._dirty = False


def table(results: list[Json], out: TextIO) -> None:
    """Drill, clause, promise, interval, verdict: the whole run on one screen."""
    console = Console(file=out, highlight=False, width=None if out.isatty() else PIPED_WIDTH)
    shown = Table(show_edge=False, pad_edge=False, box=SIMPLE_HEAD)
    for name in ("drill", "clause", "promise", "measured", "", "verdict"):
        shown.add_column(name, overflow="fold")
    for result in results:
        for row in _rows(result):
            shown.add_row(*row)
        shown.add_section()
    console.print(shown)


def _rows(result: Json) -> list[tuple[Text, ...]]:
    name, verdict = Text(result["drill"]["name"]), _verdict(result)
    if not result["promises"]:
        why = result.get("why", "")
        return [
            (name, Text(" ".join(result["drill"]["clauses"])), Text(), Text(why), Text(), verdict)
        ]
    return [
        (
            name if number == 0 else Text(),
            Text(one["clause"]),
            Text(f"{one['text']} ({_limit(one)})"),
            Text(measured(one)),
            Text(one["verdict"], PROMISE_COLOURS[one["verdict"]]),
            verdict if number == 0 else Text(),
        )
        for number, one in enumerate(result["promises"])
    ]


def _verdict(result: Json) -> Text:
    verdict: str = result["verdict"]
    if result["drill"]["control"] and result["as_expected"] and verdict != "NOT RUN":
        return Text(f"{verdict}, as it must", "green")
    return Text(verdict, COLOURS.get(verdict, "dim"))


def _limit(promise: Json) -> str:
    if promise["unit"] == "us":
        return f"within {duration.text(promise['limit'] / 1_000_000)}"
    return f"at most {promise['limit']:,}"


def measured(promise: Json) -> str:
    """The figure with its error bars, and what it must never be told without."""
    interval = Interval(promise["lower"], promise["upper"], promise["unit"])
    text = interval.text(promise.get("open_because") or "still down")
    return f"{text} ({promise['note']})" if promise["note"] else text


def closing(results: list[Json], folder: Path, out: TextIO) -> None:
    """The last lines: what the targets look like now, and where the evidence lies."""
    print(file=out)
    table(results, out)
    for result in results:
        if result["verdict"] != "NOT RUN":
            why = "; ".join(result.get("target_after_why", []))
            state = result["target_after"] + (f" ({why})" if why else "")
            print(f"target after {result['drill']['name']!r}: {state}", file=out)
    print(f"evidence: {folder}", file=out)
