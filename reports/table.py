"""The run as a table for spreadsheets: `summary.csv`, one row an objective."""

import csv
import io
from pathlib import Path
from typing import Any

import orjson

Json = dict[str, Any]
OF_RUN = ("run", "target", "environment")
OF_DRILL = ("drill", "feature", "clauses", "verdict", "code", "control", "as_expected", "injected")
OF_OBJECTIVE = ("objective", "kind", "text", "clause", "limit", "lower", "upper", "unit")
OF_PROOF = ("objective_verdict", "reason", "note", "seq", "folder", "target_after", "why")
HEADER = (*OF_RUN, *OF_DRILL, *OF_OBJECTIVE, *OF_PROOF)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rebuild(folder: Path) -> Path:
    """Write `summary.csv` from `summary.json`, and from nothing else."""
    summary = orjson.loads((folder / "summary.json").read_bytes())
    path = folder / "summary.csv"
    new = path.with_suffix(".new")
    new.write_text(text(summary), encoding="utf-8", newline="")
    new.replace(path)
    return path


def text(summary: Json) -> str:
    """The table as RFC 4180 has it: comma, CRLF, quotes doubled; durations in microseconds.

    A drill without objectives has one row with empty figures, so that none is ever missing.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    for drill in summary["drills"]:
        for one in drill["objectives"] or [None]:
            writer.writerow([defused(cell) for cell in _row(summary, drill, one)])
    return out.getvalue()


def _row(summary: Json, drill: Json, objective: Json | None) -> list[Any]:
    one = objective or {}
    return [
        *(summary[name] for name in OF_RUN),
        drill["name"],
        drill["feature"],
        " ".join(drill["clauses"]),
        drill["verdict"],
        drill["code"],
        drill["expected"] is not None,
        drill["as_expected"],
        drill["injected"],
        *(one.get(name) for name in ("id", "kind", "text", "clause", "target")),
        *(one.get(name) for name in ("lower", "upper", "unit", "verdict", "reason", "note", "seq")),
        drill["folder"],
        drill["target_after"],
        drill["why"],
    ]


def defused(cell: Any) -> str:
    """The cell as text; one that a spreadsheet would compute gets an apostrophe in front."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    shown = str(cell)
    return f"'{shown}" if isinstance(cell, str) and shown.startswith(FORMULA) else shown
