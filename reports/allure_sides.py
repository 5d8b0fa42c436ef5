"""Allure's side files, `categories.json` and `environment.properties`; other people's stay."""

from pathlib import Path
from typing import Any

import orjson

from firemarshal.reports import story

FALSE = "said success; clients disagreed\\."
# Read by Java, which wants the whole text, and by JavaScript, which has no (?s).
CATEGORIES = (
    ("Target is NOT CLEAN", ["failed", "broken"], r"target after: NOT CLEAN[\s\S]*"),
    ("Control with a wrong outcome", ["failed", "broken"], r"[\s\S]*negative control: [\s\S]*"),
    ("Success was claimed, clients disagreed", ["failed"], rf"[\s\S]*\n[^\n]*{FALSE}\n[\s\S]*"),
    ("A promise was missed", ["failed"], r"[\s\S]*\nFAILED: [\s\S]*"),
    ("INVALID: says nothing about the system", ["broken"], r"[\s\S]*\nINVALID: [\s\S]*"),
    ("ABORTED", ["broken"], r"[\s\S]*\n(ABORTED|NO VERDICT): [\s\S]*"),
    ("NOT RUN", ["skipped"], r"[\s\S]*\nNOT RUN: [\s\S]*"),
)
Json = dict[str, Any]


def write(run: story.Run, into: Path) -> None:
    """Both files, merged with what an ordinary suite has left there.

    A `categories.json` that is no list stays as it is: it is somebody's, and we cannot add to it.
    """
    categories = _categories(into / "categories.json")
    if categories is not None:
        data = orjson.dumps(categories, option=orjson.OPT_INDENT_2)
        _store(into / "categories.json", data)
    _store(into / "environment.properties", _environment(run, into))


def _categories(path: Path) -> list[Json] | None:
    ours = [
        {"name": name, "matchedStatuses": statuses, "messageRegex": pattern}
        for name, statuses, pattern in CATEGORIES
    ]
    names = {one["name"] for one in ours}
    try:
        found = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return ours
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, list):
        return None
    theirs = [one for one in found if not isinstance(one, dict) or one.get("name") not in names]
    return [*theirs, *ours]


def _environment(run: story.Run, into: Path) -> bytes:
    about = (run.opened or {}).get("about", {})
    versions = about.get("versions", {})
    ours = {
        "run": run.id,
        "target": run.target,
        "environment": run.environment,
        "operator": about.get("operator", ""),
        "host": about.get("host", ""),
        "system": about.get("system", ""),
        "python": about.get("python", ""),
        "commit": about.get("commit", "") + (" (tree not clean)" if about.get("dirty") else ""),
        **versions,
        "drills": str(len(run.drills)),
    }
    path = into / "environment.properties"
    found = path.read_text(encoding="latin-1").splitlines() if path.exists() else []
    theirs = [one for one in found if one.partition("=")[0].strip() not in ours]
    lines = [*theirs, *(f"{key}={_value(one)}" for key, one in ours.items() if one)]
    return ("\n".join(lines) + "\n").encode("latin-1", errors="backslashreplace")


def _value(text: str) -> str:
    """A value as Java's properties have it: backslashes doubled, one line."""
    return " ".join(str(text).replace("\\", "\\\\").split())


def _store(path: Path, data: bytes) -> None:
    new = path.with_name(f"{path.name}.tmp")
    new.write_bytes(data)
    new.replace(path)
