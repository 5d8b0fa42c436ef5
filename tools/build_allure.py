"""`make allure`: the Allure report of a run as one HTML file that loads nothing from outside.

Allure is built by Node (Allure 3, by `npx`) or, where there is an `allure` command, by Java
(Allure 2). Exit code 4 and a sentence where neither is there. firemarshal's own `report.html` needs
none of this.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ALLURE = "allure@3.18.0"
OUT = Path("build/allure/index.html")
NEITHER = (
    "make allure: neither node with npx nor an allure command (which needs Java) is on PATH; "
    "install one of them, or read report.html in the run folder, which needs neither"
)
ANALYTICS = re.compile(
    r"<script\b[^>]*(?:googletagmanager|google-analytics)[^>]*>\s*</script>"
    r"|<script\b[^>]*>(?:(?!</script>)[\s\S])*?\bgtag\((?:(?!</script>)[\s\S])*?</script>"
)
TRACKERS = ("googletagmanager.com", "google-analytics.com")
Build = Callable[[Path, Path], "subprocess.CompletedProcess[str]"]


def main(words: list[str] | None = None) -> int:
    """Build the page; 4 where a tool or a run is missing, or where the tool itself failed."""
    said = _arguments(words)
    builders = _builders()
    if not builders:
        return _refuse(NEITHER)
    with tempfile.TemporaryDirectory(prefix="allure-") as name:
        work = Path(name)
        results = said.results or work / "results"
        if said.results is None:
            command = ["firemarshal", "report", said.run, "--allure", str(results)]
            if (made := _run(command)).returncode:
                return _refuse(made.stderr.strip())
        if not any(results.glob("*-result.json")):
            return _refuse(f"make allure: {results} holds no Allure results; drill first")
        for build in builders:
            done = build(results, work)
            if done.returncode == 0 and (page := _page(work)):
                return _keep(page, said.out)
    told = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
    return _refuse("make allure: Allure could not be built or fetched:\n  " + "\n  ".join(told))


def stripped(page: str) -> str:
    """The page without the scripts that would tell strangers that somebody reads it."""
    return ANALYTICS.sub("", page)


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/build_allure.py", description=__doc__)
    parser.add_argument("--run", default="latest", help="a run id, a path, or latest")
    parser.add_argument("--results", type=Path, help="a folder of Allure results, instead of a run")
    parser.add_argument("--out", type=Path, default=OUT, help="the page to write")
    return parser.parse_args(words)


def _builders() -> list[Build]:
    found: list[Build] = []
    if shutil.which("npx"):
        found.append(_by_node)
    if shutil.which("allure"):
        found.append(_by_java)
    return found


def _by_node(results: Path, work: Path) -> "subprocess.CompletedProcess[str]":
    """Allure 3 heeds categories in its own configuration only."""
    categories = results / "categories.json"
    settings = {
        "name": "Fire drills",
        "output": str(work / "page"),
        "categories": json.loads(categories.read_text()) if categories.exists() else [],
        "plugins": {"awesome": {"options": {"singleFile": True, "groupBy": ["epic", "feature"]}}},
    }
    (work / "allurerc.json").write_text(json.dumps(settings))
    command = ["npx", "--yes", ALLURE, "generate", "-c", "allurerc.json", str(results.absolute())]
    return _run(command, work)


def _by_java(results: Path, work: Path) -> "subprocess.CompletedProcess[str]":
    page = str(work / "page")
    command = ["allure", "generate", str(results.absolute()), "-o", page, "--clean"]
    return _run([*command, "--single-file"], work)


def _run(command: list[str], folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    quiet = os.environ | {"ALLURE_NO_ANALYTICS": "true"}
    try:
        return subprocess.run(command, cwd=folder, env=quiet, capture_output=True, text=True)
    except FileNotFoundError:
        said = f"{command[0]} is not on PATH; run this by make allure"
        return subprocess.CompletedProcess(command, 127, "", said)


def _page(work: Path) -> str:
    path = work / "page" / "index.html"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _keep(page: str, out: Path) -> int:
    text = stripped(page)
    if left := [one for one in TRACKERS if one in text]:
        return _refuse(f"make allure: the page still names {', '.join(left)}, so it was not kept")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{out}\n")
    return 0


def _refuse(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 4


if __name__ == "__main__":
    sys.exit(main())
