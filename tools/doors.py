"""The doors between the rooms, read from the imports; every finding is a sentence with its place.

`lint-imports` holds the same doors through chains of imports; this holds what it cannot see:
imports inside functions, bare room names, heavy libraries at module level, and the kernel.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "firemarshal"
ROOMS = ("actions", "probes", "drills", "reports", "lab")
DATA = ("features", "plans")
KERNEL = "kernel"
MAY_LOAD_ROOMS = ("plugin", "cli")
TOUCHING = ("boto3", "botocore", "kubernetes", "psycopg", "chaosk8s", "chaosaws")
HEAVY = ("boto3", "botocore", "kubernetes", "chaosk8s", "chaosaws", "moto", "matplotlib")
WHY = {
    "actions": "who acts never judges and never sees results",
    "probes": "who observes never acts; nobody grades his own work",
    "drills": "words only declare, and name faults as text",
    "reports": "judges read the run folder and nothing else",
    "lab": "the same drill must run against what the lab did not make",
}


@dataclass(frozen=True)
class Import:
    """One imported module; `lazy` inside a function, `typing_only` below `if TYPE_CHECKING`.

    `by_data` is a load whose name holds a value, as the kernel finds the module of a kind.
    """

    module: str
    line: int
    lazy: bool
    typing_only: bool
    by_data: bool


def home(path: Path) -> str:
    """The room a file lives in, by its path below the root; `kernel`, or the folder's own name."""
    parts = path.parts
    return KERNEL if parts[:2] == ("src", NAME) else parts[0]


def imports(tree: ast.AST, package: str) -> Iterator[Import]:
    """All imports of a file, relative names resolved against `package`, literal loads included."""
    yield from _below(tree, package, lazy=False, typing_only=False)


def _below(node: ast.AST, package: str, lazy: bool, typing_only: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for module in _modules(child, package):
            by_data = isinstance(child, ast.Call) and isinstance(child.args[0], ast.JoinedStr)
            yield Import(module, getattr(child, "lineno", 0), lazy, typing_only, by_data)
        inside = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = typing_only or (
            isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
        )
        yield from _below(child, package, inside, typing)


def _modules(node: ast.AST, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        parts = [*(above if node.level else []), *([node.module] if node.module else [])]
        return [".".join([*parts, alias.name]) for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in (
        "import_module",
        "__import__",
    ):
        return [_text(argument) for argument in node.args[:1]]
    return []


def _text(node: ast.expr) -> str:
    """What is certain of a module's name: a literal, or what an f-string begins with."""
    if isinstance(node, ast.JoinedStr) and node.values:
        return _text(node.values[0])
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def crossed(path: Path, source: str) -> list[str]:
    """The doors that a file crosses, as `path:line: sentence`; `path` is below the root."""
    room = home(path)
    inner = path.parts[1:] if room == KERNEL else path.parts
    package = ".".join([NAME, *inner[:-1]]) if room != "tests" else "tests"
    if room == KERNEL:
        package = ".".join(inner[:-1])
    found = []
    for one in imports(ast.parse(source, str(path)), package):
        for sentence in (_bare(one), _heavy(one), _touching(one, room), _room(one, room, path)):
            if sentence:
                found.append(f"{path}:{one.line}: {sentence}")
    return list(dict.fromkeys(found))


def _bare(one: Import) -> str:
    top = one.module.split(".")[0]
    if top not in (*ROOMS, *DATA):
        return ""
    return f"`{one.module}` is nobody's name; write `{NAME}.{one.module}`"


def _heavy(one: Import) -> str:
    if one.module.split(".")[0] not in HEAVY or one.lazy or one.typing_only:
        return ""
    return f"{one.module} is heavy; import it inside the function that uses it"


def _touching(one: Import, room: str) -> str:
    if room not in ("drills", "reports") or one.module.split(".")[0] not in TOUCHING:
        return ""
    return f"{room} may not know {one.module}: {WHY[room]}"


def _room(one: Import, room: str, path: Path) -> str:
    parts = one.module.split(".")
    if parts[0] != NAME or len(parts) < 2 or parts[1] not in ROOMS or parts[1] == room:
        return ""
    other = parts[1]
    if room in ROOMS:
        return f"{room} may not know {other}: {WHY[room]}"
    if room != KERNEL or one.by_data:
        return ""
    loads = set(path.with_suffix("").parts[2:]) & set(MAY_LOAD_ROOMS)
    if loads and one.lazy:
        return ""
    if loads:
        return f"{other} may be imported only inside a function here, when it is needed"
    return f"the kernel may not know {other}; only plugin and cli may, inside a function"


def files(root: Path) -> Iterator[Path]:
    """Every Python file of the rooms, the kernel, tests and tools, once, below the root."""
    for folder in (*ROOMS, *DATA, "tests", "tools", "bench", f"src/{NAME}"):
        for path in sorted((root / folder).rglob("*.py")):
            below = path.relative_to(root)
            through_link = any((root / above).is_symlink() for above in below.parents)
            if not through_link and "__pycache__" not in below.parts:
                yield below


def main() -> int:
    """Print every crossed door; exit code 1 when there is one."""
    found = [
        sentence
        for path in files(ROOT)
        for sentence in crossed(path, (ROOT / path).read_text(encoding="utf-8"))
    ]
    for sentence in found:
        sys.stdout.write(sentence + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
