"""What a person sees while drills run: lines that stay, and below them what happens now."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TextIO

from firemarshal import duration
from firemarshal.clock import now_us
from firemarshal.screen import SET_IN, Block, Screen, packed

Json = dict[str, Any]
STAYS = {
    "aimed": "aimed: {fault}",
    "bit": "fault injected, and proved: {fault}",
    "did not bite": "the fault did NOT bite: {fault}",
    "healed": "healed, and proved: {fault}",
    "stopped": "stopping: {why}",
    "defect": "a defect, stopping: {why}",
}
NOW = {
    "aimed": "injecting {fault}",
    "disaster": "{fault} stands",
    "watched": "healing",
    "healed": "waiting until every member follows",
    "measured": "judging",
    "judged": "looking after the systems",
}
COLOURS = {"PASSED": "green", "FAILED": "red", "INVALID": "yellow", "ABORTED": "yellow"}
MOST_NEWS, NEWS_WITHIN_US = 5, 10_000_000
SIGN_OF_LIFE_US = 60_000_000
DRAWN_AGAIN_US = 200_000


class Progress:
    """Plain lines where there is no terminal; there, a few lines more that are drawn again.

    A message is a table whose `tell` names it; one that nobody has a line for is ignored.
    """

    def __init__(
        self,
        out: TextIO,
        uncaptured: Callable[[], AbstractContextManager[None]] = nullcontext,
        fresh_line: Callable[[], None] = lambda: None,
    ) -> None:
        self._screen, self._uncaptured, self._fresh_line = Screen(out), uncaptured, fresh_line
        self._block = Block(self._screen)
        self._lined_us, self._drawn_us = now_us(), 0
        self._red = 0
        self._forget()

    def _forget(self) -> None:
        """What is known of one drill only; `_kept` are its lines while they are drawn again."""
        self._title = ""
        self._struck_us = 0
        self._limit = ""
        self._now = ""
        self._ends: tuple[str, int] = ("", 0)
        self._kept: list[str] | None = None
        self._said = ""
        self._said_us = [0] * MOST_NEWS
        self._standing: list[str] = []
        self._stopping = False

    def __call__(self, message: Json) -> None:
        """Hear one message of a run."""
        handler = getattr(self, f"_on_{message['tell']}", None)
        if handler:
            handler(message)

    def line(self, text: str, style: str = "", wrap: bool = True, set_in: int = SET_IN) -> None:
        """One line above what happens now; it stays, or until its drill has gone well."""
        with self._uncaptured():  # while pytest captures, even the width would be another's
            shown = self._screen.line(text, style, wrap, set_in)
            if self._kept is not None:
                self._kept += shown.rstrip("\n").split("\n")
            else:
                self._block.wipe()
                self._fresh_line()
                self._screen.write(shown)
        self._lined_us, self._drawn_us = now_us(), 0

    def _on_lab(self, message: Json) -> None:
        self.line(message["text"])

    def _on_drill(self, message: Json) -> None:
        """A drill begins: its number, how many there are, and what it must not miss."""
        self._forget()
        drill = message["drill"]
        limits = [one["limit"] for one in drill["promises"] if one["kind"] == "rto"]
        self._limit = f" of {duration.text(min(limits) / 1e6)}" if limits else ""
        name = f"{drill['name']} [{drill['row']}]" if drill["row"] else drill["name"]
        self._screen.patient = False
        self._title = f"{message['number']}/{message['of']} {name}"
        if self._screen.live and message["of"] > 1:
            self._kept = []
        else:
            self.line("")
        self.line(self._title, "bold")

    def _on_event(self, message: Json) -> None:
        """One line of the journal: some stay, some only change what happens now."""
        event = message["event"]
        facts = {"fault": "", "why": "", **message}
        if event == "step" and message.get("text"):
            self._happens(f"{message['keyword'].title()} {message['text']}")
        if event in NOW:
            self._happens(NOW[event].format(**facts))
        if event in STAYS and not (event == "stopped" and self._stopping):
            style = "red" if event in ("did not bite", "defect") else ""
            self._stays(STAYS[event].format(**facts), style)

    def _on_undo(self, message: Json) -> None:
        self.line(f"  to undo it by hand: {message['shell']}", "dim", wrap=False)
        self._draw()

    def _on_struck(self, message: Json) -> None:
        self._struck_us = message["t0_us"]

    def _on_watching(self, message: Json) -> None:
        """What clients see; what only goes on is not said again, and flapping not too often."""
        self._happens(f"writes: {message['state']}", message["ends"], message["ends_at_us"])
        kind = re.split(r" for (?=\d)", message["state"])[0]
        calm = now_us() - self._said_us[0] >= NEWS_WITHIN_US
        if self._struck_us and kind != self._said and calm:
            self._said, self._said_us = kind, [*self._said_us[1:], now_us()]
            self._stays(f"writes: {kind}")

    def _on_healing(self, message: Json) -> None:
        self._happens("healing")
        if message["standing"] != self._standing:
            for one in message["standing"]:
                self._stays(f"still stands, trying on: {one}", "red")
        self._standing = message["standing"]

    def _on_work(self, message: Json) -> None:
        """A step of a runbook: `text` says which and whose, `state` is begun or how it ended.

        While it is under way, `ends_at_us` is its deadline; `asks` says that a person must act.
        """
        begun, text = message["state"] == "begun", message["text"]
        style = "bold yellow" if begun and message.get("asks") else ""
        self._stays(text if begun else f"{text}: {message['state']}", style)
        self._happens(message["text"], "its time ends", message.get("ends_at_us", 0) * begun)

    def _on_signal(self, message: Json) -> None:
        self._stopping = True
        if message["count"] == 1:
            self._stays(f"{message['name']}: ending the drill and healing; wait for it", "yellow")
        else:
            stands = [f"{name}: {', '.join(one)}" for name, one in message["standing"].items()]
            still = "; ".join(stands) or "nothing any more"
            self._stays(f"{message['name']} again: healing goes on; stands: {still}", "yellow")

    def _on_silent(self, message: Json) -> None:
        text = f"the keeper (pid {message['pid']}) stands still: ending it, another one heals"
        self._stays(text, "red")

    def _on_verdict(self, message: Json) -> None:
        """A drill is over: of one that went well a line stays, of any other all of its lines."""
        result, well = message["result"], bool(message["result"]["as_expected"])
        self._screen.patient = True
        verdict = str(result["verdict"])
        self._red += not well and verdict != "NOT RUN"
        if well and result["drill"]["control"]:
            text = str(result["expectation"])
        else:
            text = f"{verdict}: {result.get('why') or result['expectation']}"
        if well and self._kept:
            self._kept = None
            self.line(f"{text.partition(':')[0]}  {self._title}", "green")
        else:
            self._let_stay()
            self.line(f"  {text}", "green" if well else COLOURS.get(verdict, "dim"))
            if result["target_after"] != "as found":
                self.line(f"  target after: {result['target_after']}", "red")
        self._forget()

    def _let_stay(self) -> None:
        """Let go of the lines that are drawn again, so that they stand where they are."""
        kept, self._kept = self._kept, None
        with self._uncaptured():
            self._block.wipe()
            if kept:
                self._fresh_line()
                self._screen.write("\n" + "\n".join(kept) + "\n")

    def _on_tick(self, message: Json) -> None:
        if self._now:
            self._draw()

    def _happens(self, text: str, ends: str = "", ends_at_us: int = 0) -> None:
        self._now, self._ends = self._screen.one_line(text), (ends, ends_at_us)
        self._draw()

    def _stays(self, text: str, style: str = "") -> None:
        clock = self._stopwatch()
        self.line(f"  {clock}  {text}" if clock else f"  {text}", style)
        self._draw()

    def _stopwatch(self) -> str:
        if not self._struck_us:
            return ""
        return f"+{(now_us() - self._struck_us) / 1e6:6.1f} s"

    def _parts(self) -> list[str]:
        ends, at_us = self._ends
        left = f"{ends} in {max(0, at_us - now_us()) / 1e6:.0f} s at most" if at_us else ""
        clock = self._stopwatch()
        stop = "again: what still stands" if self._stopping else "heals and stops"
        red = f"{self._red} not as it must so far" if self._red else ""
        return [f"{clock}{self._limit}" if clock else "", self._now, left, f"Ctrl-C: {stop}", red]

    def _draw(self) -> None:
        """Draw what happens now; without a terminal say it only after a long silence."""
        if not self._now:
            return
        if not self._screen.live:
            if now_us() - self._lined_us >= SIGN_OF_LIFE_US:
                self.line("  " + " | ".join(filter(None, self._parts()[:3])))
            return
        if now_us() - self._drawn_us < DRAWN_AGAIN_US:
            return
        self._drawn_us = now_us()
        with self._uncaptured():
            now = [f"  {one}" for one in packed(self._parts(), self._screen.width - 3)]
            if not self._block.rows:
                self._fresh_line()  # pytest may have left a letter on this one
            fits = self._block.draw([*(self._kept or []), *now])
        if not fits and self._kept:
            self._let_stay()
            self._drawn_us = 0
            self._draw()
