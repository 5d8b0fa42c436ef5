"""Rehearsing drills: their plan and their victims of this moment, as text and as JSON."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from firemarshal import duration
from firemarshal.clock import utc_text

KEPT, SCHEMA, NEWEST = "rehearsal.json", "firemarshal/rehearsal/1", 50
Json = dict[str, Any]


def text_of(found: Json, number: str = "") -> list[str]:
    """One rehearsal as a person on call reads it; `number` stands before its name."""
    if "no" in found:
        return [f"{number}{found['drill']}", f"  {found['no']}"]
    lines = [f"{number}{found['drill']}  ({found['file']})"]
    for one in found["systems"]:
        who = ", ".join(f"{key} {value}" for key, value in one["identity"].items()) or "unknown"
        lines.append(f"  system {one['name']} ({one['kind']}): {who}")
        lines.append(f"    members now: {', '.join(one['members']) or 'unknown'}")
        lines += [f"    REFUSED: {why}" for why in one["wrong"]]
        lines += [
            f"    REFUSED: {fault} of an earlier drill still stands" for fault in one["stands"]
        ]
    lines += [f"  guard {_told(one)}" for one in found["guards"]]
    for step in found["steps"]:
        lines.append(f"  {step['keyword'].title()} {step['text']}")
        lines += [f"      {line}" for line in _act(step)]
    lines += [f"  needs: {need}" for need in found["needs"]]
    least, most = (duration.text(us // 1_000_000) for us in found["takes_us"])
    return [*lines, f"  takes {least} to {most} at the most"]


def _act(step: Json) -> list[str]:
    lines = []
    if step["act"]:
        lasts = f"; lasts {step['lasts']}" if step["lasts"] else ""
        lines = [f"{step['act']}: {step['does']}{lasts}", f"calls: {', '.join(step['calls'])}"]
    if step["no"]:
        lines.append(f"as things are now: {step['no']}")
    for one in step["victims"]:
        lines.append(f"victim: {one['id']}")
        lines += [f"to undo it by hand: {one['undo']}"] if one["undo"] else []
    lines += [f"guard {_told(one)}" for one in step["guards"]]
    for one in step["runbook"]:
        within = duration.text(one["deadline_us"] / 1e6)
        lines.append(f"{one['id']} ({one['owner'] or one['kind']}), within {within}: {one['text']}")
    return lines


def _told(guard: Json) -> str:
    return f"{guard['name']}: " + (f"REFUSED, {guard['no']}" if guard["no"] else "yes")


def refused(found: Json) -> list[str]:
    """Why the drill would not be begun as things are now; one NOT RUN is not refused."""
    if "no" in found:
        return []
    systems = [why for one in found["systems"] for why in (*one["wrong"], *one["stands"])]
    guards = [*found["guards"], *(guard for step in found["steps"] for guard in step["guards"])]
    nobody = [step["no"] for step in found["steps"] if step["no"]]
    return [*systems, *nobody, *(f"{one['name']}: {one['no']}" for one in guards if one["no"])]


def keep(folder: Path, target: str, found: list[Json]) -> Path:
    """Write the rehearsal where the next run will find it."""
    value = {"schema": SCHEMA, "target": target, "utc": utc_text()}
    path = folder / KEPT
    path.write_bytes(orjson.dumps({**value, "drills": found}, option=orjson.OPT_INDENT_2))
    return path


def newest(folder: Path, target: str, drill_sha256: str) -> Json | None:
    """The newest rehearsal of exactly this drill on this target, with its time; None without."""
    paths = sorted((one for one in folder.glob(f"2*/{KEPT}") if one.is_file()), reverse=True)
    for path in paths[:NEWEST]:
        with suppress(OSError, orjson.JSONDecodeError, KeyError, TypeError):  # half written
            value = orjson.loads(path.read_bytes())
            found = [one for one in value["drills"] if one["drill_sha256"] == drill_sha256]
            if found and value["schema"] == SCHEMA and value["target"] == target:
                steps = [one for one in found[0]["steps"] if one["act"] and one["victims"]]
                return {"utc": str(value["utc"]), "steps": steps}
    return None
