"""The picture of a run: what the terminal shows at its end, as docs/img/result.svg.

`python tools/make_pictures.py [RUN FOLDER]`; without one, the newest run. Nothing is drawn that the
run did not leave in its folder, by the same function that writes to the terminal.
"""

import io
import os
import re
import sys
from pathlib import Path

import orjson
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from firemarshal.terminal import closing

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = 118
PAPER = TerminalTheme(
    (250, 250, 247),
    (38, 38, 38),
    [
        *[(38, 38, 38), (176, 32, 32), (20, 118, 54), (150, 98, 0)],
        *[(38, 84, 160), (124, 58, 140), (16, 112, 122), (110, 110, 110)],
    ],
)


class Terminal(io.StringIO):
    """Text that says of itself that it is a terminal, so that colours come through."""

    def isatty(self) -> bool:
        """A terminal, for whoever asks."""
        return True


def results(run: Path) -> list[dict[str, object]]:
    """What the drills of a run left, in their order."""
    found = [orjson.loads(path.read_bytes()) for path in sorted(run.glob("*/verdict.json"))]
    if not found:
        sys.exit(f"{run} holds no verdict.json: drill first, with `make drill`")
    return found


def picture(run: Path, command: str) -> str:
    """The end of a run as SVG with a background of its own and no font from the network."""
    out = Terminal()
    os.environ |= {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "COLORTERM": ""}
    os.environ.pop("NO_COLOR", None)
    closing(results(run), Path("runs") / run.name, out)
    paper = Console(record=True, width=COLUMNS, file=io.StringIO())
    paper.print(Text.from_ansi(f"$ {command}\n" + out.getvalue().rstrip()))
    svg = paper.export_svg(title="firemarshal", theme=PAPER, unique_id="result")
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL) + "\n"


def main() -> None:
    """Write the picture of one run."""
    run = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "runs" / "latest").resolve()
    path = ROOT / "docs" / "img" / "result.svg"
    path.write_text(picture(run, "make drill"), encoding="utf-8")
    sys.stdout.write(f"{path.relative_to(ROOT)}: the end of {run.name}\n")


if __name__ == "__main__":
    main()
