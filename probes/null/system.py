"""What it is to be a system of kind "null": one process, one file of rows, faults as files."""

from typing import Any

from firemarshal.probes.null.tombstone import claim, claimed, release
from firemarshal.probes.null.toy import ask, folder_of, line_count, mark_of, member_of, rows_of
from firemarshal.survivors import compared
from firemarshal.system import CannotTell, Configuration

__all__ = ["claim", "claimed", "release"]
ANSWER_WITHIN_S = 2.0


def identify(configuration: Configuration) -> dict[str, Any]:
    """The uuid that the process answers."""
    return {"uuid": ask(configuration, "I", "i", ANSWER_WITHIN_S)}


def members(configuration: Configuration) -> list[dict[str, Any]]:
    """The one member, which is primary while it answers."""
    member = member_of(configuration)
    try:
        identify(configuration)
    except CannotTell as error:
        return [{"name": member["name"], "role": "unreachable", "why": str(error)}]
    return [{"name": member["name"], "role": "primary"}]


def healthy(configuration: Configuration, timeout_s: float) -> dict[str, Any]:
    """It is the pinned one, no fault stands, and a it counts the rows that its file has."""
    member = member_of(configuration)
    why = [f"{path.name} stands" for path in sorted(folder_of(configuration).glob("fault.*"))]
    pinned = configuration["system"].get("identity", {}).get("uuid")
    try:
        answered = identify(configuration)["uuid"]
        if pinned and answered != pinned:
            why.append(f"{member['name']} says it is {answered}, not {pinned}")
        if not why:
            why += _canary(configuration, timeout_s)
    except CannotTell as error:
        why.append(str(error))
    return {"healthy": not why, "why": why}


def _canary(configuration: Configuration, timeout_s: float) -> list[str]:
    """Not a row but a count: a write would stand between the rows of a drill under way."""
    least = line_count(configuration)
    counted = int(ask(configuration, "R", "n", timeout_s))
    most = line_count(configuration)
    name = member_of(configuration)["name"]
    if least <= counted <= most:
        return []
    return [f"{name} counts {counted} rows, its file has {least} to {most}"]


def redundant(configuration: Configuration, timeout_s: float) -> dict[str, Any]:
    """There is no second member: it is as redundant as it can be while it is healthy."""
    found = healthy(configuration, timeout_s)
    return {"redundant": found["healthy"], "why": found["why"]}


def clients(configuration: Configuration) -> list[dict[str, Any]]:
    """The one address, judged."""
    member = member_of(configuration)
    endpoint = {"address": member["address"], "port": member["port"]}
    module = "firemarshal.probes.recorder.null"
    return [{"name": "client", "judged": True, "module": module, "endpoint": endpoint}]


def prepare(configuration: Configuration) -> dict[str, Any]:
    """Remember where this drill's rows begin; keeps the first mark, so that it may be repeated."""
    mark = mark_of(configuration)
    if not mark.exists():
        data = folder_of(configuration) / "data"
        mark.write_text(str(data.stat().st_size if data.exists() else 0))
    return {"made": [mark.name]}


def forget(configuration: Configuration) -> dict[str, Any]:
    """Cut this drill's rows off and remove the mark; nothing when it was never prepared."""
    mark, data = mark_of(configuration), folder_of(configuration) / "data"
    if not mark.exists():
        return {"removed_rows": 0}
    rows = len(rows_of(configuration))
    if data.exists() and data.stat().st_size > int(mark.read_text()):
        with data.open("r+b") as opened:
            opened.truncate(int(mark.read_text()))
    mark.unlink()
    return {"removed_rows": rows}


def reconcile(configuration: Configuration, ledger: str) -> dict[str, Any]:
    """Compare the ledger with the file, row by row: the toy stays small."""
    by = f"every row of {member_of(configuration)['name']}"
    return compared(ledger, dict(rows_of(configuration)), by)


def phases(configuration: Configuration, since_us: int) -> list[dict[str, Any]]:
    """Nothing: the toy keeps no history."""
    return []


def capture(configuration: Configuration) -> dict[str, Any]:
    """Who it is and which faults stand."""
    faults = sorted(path.name for path in folder_of(configuration).glob("fault.*"))
    return {**identify(configuration), "faults": faults}
