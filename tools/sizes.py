"""The limits of size, so that a reader always has one screen: every finding is `file:line: ...`.

Lines of a function are counted from `def` to its end, docstring included, decorators not.
`GROWN` is a ratchet: what stands there may shrink, never grow, and nothing new may enter it.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent))

from doors import KERNEL, ROOT, files, home

STEP_LINES = 10
FUNCTION_LINES = 50
ROOM_FILE_LINES = {"actions": 120, "probes": 120, KERNEL: 300}
FEATURE_LINES = 60
SCENARIO_STEPS = 7
GROWN: dict[str, int] = {}

STEP_WORDS = ("given", "when", "then")
SCENARIO = re.compile(r"\s*(Scenario|Scenario Outline|Example|시나리오|시나리오 개요)\s*:")
OTHER_BLOCK = re.compile(r"\s*(Feature|Rule|Background|Examples|Scenarios|기능|규칙|배경|예)\s*:")
STEP = re.compile(
    r"\s*(\*|Given|When|Then|And|But|조건|먼저|만일|만약|그러면|그리고|하지만|단)\s*\S"
)
DOC_STRING = re.compile(r'\s*("""|```)')


def python_findings(path: Path, source: str) -> Iterator[str]:
    """What is too long in a Python file; `path` is below the root."""
    room = home(path)
    lines = source.count("\n")
    limit = GROWN.get(path.as_posix(), ROOM_FILE_LINES.get(room, lines))
    if lines > limit:
        yield f"{path}:{limit + 1}: the file has {lines} lines; {room} allows {limit}: split it"
    for node in ast.walk(ast.parse(source, str(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _function_findings(path, room, node)


def _function_findings(
    path: Path, room: str, node: ast.FunctionDef | ast.AsyncFunctionDef
) -> Iterator[str]:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    step = room == "drills" and any(_is_step(one) for one in node.decorator_list)
    limit, what = (STEP_LINES, "step") if step else (FUNCTION_LINES, "function")
    if lines > limit:
        yield f"{path}:{node.lineno}: the {what} {node.name} has {lines} lines, allowed are {limit}"


def _is_step(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called).split(".")[-1] in STEP_WORDS


def feature_findings(path: Path, source: str) -> Iterator[str]:
    """What is too long in a feature file; steps of a Background are not a scenario's."""
    lines = source.splitlines()
    if len(lines) > FEATURE_LINES:
        yield f"{path}:{FEATURE_LINES + 1}: the feature has {len(lines)} lines, allowed are 60"
    for start, steps in _scenarios(lines):
        if steps > SCENARIO_STEPS:
            yield f"{path}:{start}: the scenario has {steps} steps, allowed are {SCENARIO_STEPS}"


def _scenarios(lines: list[str]) -> list[tuple[int, int]]:
    """`(line, steps)` of each scenario; text between doc string marks is nobody's step."""
    found: list[tuple[int, int]] = []
    quoted = counting = False
    for number, line in enumerate(lines, start=1):
        if DOC_STRING.match(line):
            quoted = not quoted
        elif quoted:
            continue
        elif SCENARIO.match(line):
            counting = True
            found.append((number, 0))
        elif OTHER_BLOCK.match(line):
            counting = False
        elif counting and STEP.match(line):
            found[-1] = (found[-1][0], found[-1][1] + 1)
    return found


def ratchet_findings(root: Path, grown: dict[str, int]) -> Iterator[str]:
    """Entries of the ratchet that have become looser than the file needs."""
    for name, allowed in grown.items():
        lines = (root / name).read_text(encoding="utf-8").count("\n")
        if lines < allowed:
            yield f"{name}:{lines}: has shrunk to {lines} lines; lower its entry in tools/sizes.py"


def main() -> int:
    """Print everything too long; exit code 1 when there is something."""
    found = [*ratchet_findings(ROOT, GROWN)]
    for path in files(ROOT):
        found += python_findings(path, (ROOT / path).read_text(encoding="utf-8"))
    for feature in sorted((ROOT / "features").rglob("*.feature")):
        found += feature_findings(feature.relative_to(ROOT), feature.read_text(encoding="utf-8"))
    for sentence in found:
        sys.stdout.write(sentence + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
