"""The toy's faults are files; the verbs of all of them are these few lines."""

from typing import Any

from firemarshal.fault import NotDone
from firemarshal.hosts import Host, host

Json = dict[str, Any]
COMMAND_S = 5.0


def aim(system: Json, name: str) -> list[Json]:
    """The toy's members on which this file does not stand yet."""
    found = []
    for member in system["members"]:
        path = f"{member['folder']}/{name}"
        if not machine_of(system, member["host"]).exists(path):
            found.append(
                {
                    "id": f"{member['name']} {name}",
                    "name": member["name"],
                    "before": {"exists": False},
                    "found": {"path": path, "host": member["host"]},
                    "undo": f"rm -f {path}",
                }
            )
    return found


def inject(victims: list[Json], system: Json) -> None:
    """Make the files."""
    for victim in victims:
        _run(victim, system, ["touch", victim["found"]["path"]])


def bit(victims: list[Json], system: Json) -> Json:
    """Whether the files stand."""
    stand = [
        victim["found"]["path"]
        for victim in victims
        if machine_of(system, victim["found"]["host"]).exists(victim["found"]["path"])
    ]
    return {"bit": len(stand) == len(victims), "seen": f"stands: {stand}"}


def heal(victims: list[Json], system: Json) -> list[str]:
    """Remove the files; safe when they never stood."""
    for victim in victims:
        _run(victim, system, ["rm", "-f", victim["found"]["path"]])
    return []


def machine_of(system: Json, name: str) -> Host:
    """The host that a member names."""
    return host(next(one for one in system["hosts"] if one["name"] == name))


def _run(victim: Json, system: Json, argv: list[str]) -> None:
    done = machine_of(system, victim["found"]["host"]).run(argv, COMMAND_S)
    if done.code:
        raise NotDone(f"{' '.join(argv)} ended with {done.code}: {done.err.strip()}")
