"""The pictures of the pages, from real runs: nothing is drawn that a run did not leave.

`python tools/make_pictures.py [RUN FOLDER [RUN FOLDER OF THE REPORT]]`; the newest by default.
`docs/img/result.svg` is what the terminal shows at the end of a run, `outage.svg` what its first
real drill's customers saw, and `report.png` the first screen of `report.html`, for which a Chromium
is needed; without one that picture stays as it is.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import orjson
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from firemarshal.closing import closing
from firemarshal.reports import html, story

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "img"
COLUMNS = 118
SCREEN = "1120,900"
FONT = '"Liberation Sans", system-ui'
MOST_BYTES = 200_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
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


def terminal(run: Path, command: str) -> str:
    """The end of a run as SVG with a background of its own and no font from the network."""
    out = Terminal()
    os.environ |= {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "COLORTERM": ""}
    os.environ.pop("NO_COLOR", None)
    closing(results(run), Path("runs") / run.name, out)
    paper = Console(record=True, width=COLUMNS, file=io.StringIO())
    paper.print(Text.from_ansi(f"$ {command}\n" + out.getvalue().rstrip()))
    svg = paper.export_svg(title="firemarshal", theme=PAPER, unique_id="result")
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL) + "\n"


def outage(run: Path) -> str:
    """What the customers of the first real drill saw, near the fault."""
    drills = [one for one in story.read_run(run).drills if one.t0 and not one.control]
    found = [svg for one in drills for _, svg in html.pictures(one)]
    if not found:
        sys.exit(f"{run} holds no drill whose customers were watched: drill first")
    return found[0] + "\n"


def first_screen(run: Path) -> bytes | None:
    """The first screen of the report as PNG; None where no browser is on PATH."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        return None
    with tempfile.TemporaryDirectory(prefix="picture-") as name:
        picture, page = Path(name) / "report.png", Path(name) / "report.html"
        text = html.page(story.read_run(run)).replace("system-ui", FONT, 2)  # a server has none
        page.write_text(text, encoding="utf-8")
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        words += [f"--user-data-dir={name}/profile", f"--window-size={SCREEN}"]
        words += ["--blink-settings=preferredColorScheme=1", f"--screenshot={picture}"]
        subprocess.run([browser, *words, page.as_uri()], check=True, capture_output=True)
        data = picture.read_bytes()
    if len(data) > MOST_BYTES:
        sys.exit(f"the picture of the report has {len(data):,} bytes, {MOST_BYTES:,} are allowed")
    return data


def main() -> None:
    """Write the pictures of one run, or of two: its end, and the report of another."""
    latest = ROOT / "runs" / "latest"
    run = Path(sys.argv[1] if len(sys.argv) > 1 else latest).resolve()
    told = Path(sys.argv[2] if len(sys.argv) > 2 else run).resolve()
    (PICTURES / "result.svg").write_text(terminal(run, "make drill"), encoding="utf-8")
    (PICTURES / "outage.svg").write_text(outage(run), encoding="utf-8")
    sys.stdout.write(f"result.svg, outage.svg: {run.name}\n")
    if screen := first_screen(told):
        (PICTURES / "report.png").write_bytes(screen)
    sys.stdout.write(f"report.png: {told.name if screen else 'no browser is on PATH'}\n")


if __name__ == "__main__":
    main()
