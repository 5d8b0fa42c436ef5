"""Where lines for people go: a terminal of any width and script, a pipe, or nobody any more."""

import os
import select
from io import StringIO
from shutil import get_terminal_size
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

NO_CURSOR = ("", "dumb", "unknown")
NARROWEST = 20
SET_IN = 4
AT_ONCE = 256  # characters: what a terminal or pipe that takes anything at all takes at once


class Screen:
    """One stream; `live` says that lines on it can be drawn again.

    When nobody reads any more it falls silent instead of raising, and while it is not `patient`
    it keeps what a terminal that is held up (Ctrl-S) does not take: neither a closed pipe nor a
    person who wants to read may end a drill in the middle of its fault.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._encoding = getattr(out, "encoding", None) or "utf-8"
        self._gone = False
        self._kept = ""
        self.patient = True
        self.live = out.isatty() and os.environ.get("TERM", "") not in NO_CURSOR

    @property
    def width(self) -> int:
        """Columns now, for a terminal can be resized; 0 for a pipe, which has none."""
        return max(NARROWEST, get_terminal_size().columns) if self._out.isatty() else 0

    @property
    def height(self) -> int:
        """Rows now; 0 for a pipe."""
        return get_terminal_size().lines if self._out.isatty() else 0

    def write(self, text: str) -> None:
        """Write text as it stands; what the stream's encoding lacks is written as its escape."""
        self._kept += self._encodable(text)
        while self._kept and not self._gone and (self.patient or not self.held_up):
            piece, self._kept = self._kept[:AT_ONCE], self._kept[AT_ONCE:]
            try:
                self._out.write(piece)
                self._out.flush()
            except OSError:  # the reader closed the pipe, or the terminal is gone
                self._gone = True
        if self._gone:
            self._kept = ""

    @property
    def held_up(self) -> bool:
        """Whether a write would have to wait for the reader."""
        try:
            poll = select.poll()
            poll.register(self._out.fileno(), select.POLLOUT)
        except OSError:  # nothing that could be waited for, such as a buffer
            return False
        return not poll.poll(0)

    def visible(self, text: str) -> str:
        """The text without control characters: what a server said must not steer a terminal."""
        shown = (one if one.isprintable() else _escaped(one) for one in text)
        return self._encodable("".join(shown))

    def one_line(self, text: str) -> str:
        """The text, visible, its white space made single spaces."""
        return self.visible(" ".join(text.split()))

    def line(self, text: str, style: str = "", wrap: bool = True, set_in: int = SET_IN) -> str:
        """One line, on a narrow terminal several, those that follow the first set in.

        `wrap` False is for what is to be copied: where it is broken, the terminal knows it.
        """
        shown = Text(self.visible(text), style)
        if not (wrap and self.width):
            return self.painted(shown, wrap=False)
        first = shown.wrap(self._console(True), self.width, tab_size=1)[0]
        rest = shown[len(first) :]
        rest.plain = rest.plain.lstrip()
        set_in = min(set_in, self.width * 3 // 5)
        lines = list(rest.wrap(self._console(True), self.width - set_in)) if rest else []
        return self.painted(Text("\n").join([first, *(Text(" " * set_in) + one for one in lines)]))

    def painted(self, what: RenderableType, wrap: bool = True) -> str:
        """What rich makes of it at this width: colours only where a terminal shows them."""
        console = self._console(wrap)
        console.print(what)
        assert isinstance(console.file, StringIO)
        return "\n".join(one.rstrip(" ") for one in console.file.getvalue().split("\n"))

    def _console(self, wrap: bool) -> Console:
        return Console(
            file=_Buffer(self._encoding),
            force_terminal=self.live,
            width=self.width or None,
            soft_wrap=not (wrap and self.width),
            highlight=False,
            markup=False,
            emoji=False,
        )

    def _encodable(self, text: str) -> str:
        return text.encode(self._encoding, "backslashreplace").decode(self._encoding)


class Block:
    """The last lines of a live screen, which are drawn again and again until they are wiped."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._drawn: list[str] = []

    @property
    def rows(self) -> int:
        """How high it is now: a terminal that was made narrower has broken its lines anew."""
        return self._height(self._drawn)

    def draw(self, lines: list[str]) -> bool:
        """Draw these instead, in one go, so that nothing flickers; False when they do not fit.

        On a screen that is held up nothing is drawn: it would all come later, one by one.
        """
        if self._screen.held_up:
            return True
        if self._height(lines) >= self._screen.height:
            return False
        if lines != self._drawn:
            drawn = "\n".join(f"{one}\x1b[K" for one in lines)
            self._screen.write(f"{self._home()}{drawn}\x1b[J")
            self._drawn = lines
        return True

    def wipe(self) -> None:
        """Leave nothing of it."""
        if self._drawn:
            self._screen.write(f"{self._home()}\x1b[J")
        self._drawn = []

    def _height(self, lines: list[str]) -> int:
        width = self._screen.width
        return sum(max(1, -(-Text.from_ansi(one).cell_len // width)) for one in lines)

    def _home(self) -> str:
        return "\r" + "\x1b[1A" * (self.rows - 1)


class _Buffer(StringIO):
    """Tells rich the encoding of the stream behind it, which decides about boxes."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._told = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._told


def packed(parts: list[str], width: int, between: str = " | ") -> list[str]:
    """The parts on as few lines as they need; one that is wider than a line is cut."""
    lines: list[str] = []
    for part in filter(None, parts):
        joined = f"{lines[-1]}{between}{part}" if lines else ""
        if joined and cell_len(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(_cut(part, width))
    return lines


def _cut(text: str, width: int) -> str:
    cut = Text(text)
    cut.truncate(width)
    return cut.plain


def _escaped(character: str) -> str:
    return character.encode("unicode-escape").decode("ascii")
