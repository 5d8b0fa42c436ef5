"""The toy's faults are files; the verbs of all of them are these few lines."""

import shlex
from typing import Any

from firemarshal.fault import NotDone, VictimChanged
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
                    "found": {"path": path},
                    "undo": f"rm -f {shlex.quote(path)}",
                }
            )
    return found


def inject(victims: list[Json], system: Json) -> None:
    """Make the files."""
    for victim in victims:
        _run(victim, system, "touch")


def bit(victims: list[Json], system: Json) -> Json:
    """Whether the files stand."""
    stand = [one["found"]["path"] for one in victims if _home(one, system).exists(_path(one))]
    return {"bit": len(stand) == len(victims), "seen": f"stands: {stand}"}


def heal(victims: list[Json], system: Json) -> list[str]:
    """Remove the files; safe when they never stood, and the others too when one stays."""
    standing = []
    for victim in victims:
        try:
            _run(victim, system, "rm", "-f")
        except NotDone as problem:
            standing.append(f"{victim['id']}: {problem}")
    return standing


def member_of(victim: Json, system: Json) -> Json:
    """The member that a victim names; VictimChanged when this system has none of that name."""
    for member in system["members"]:
        if member["name"] == victim["name"]:
            found: Json = member
            return found
    raise VictimChanged(f"{victim['id']} is no member of {system['name']}")


def machine_of(system: Json, name: str) -> Host:
    """The host that a member names."""
    return host(next(one for one in system["hosts"] if one["name"] == name))


def _home(victim: Json, system: Json) -> Host:
    """The victim's machine; VictimChanged when its member lives in another folder by now."""
    member = member_of(victim, system)
    if not _path(victim).startswith(f"{member['folder']}/"):
        raise VictimChanged(f"{victim['id']} lives in {member['folder']} now")
    return machine_of(system, member["host"])


def _path(victim: Json) -> str:
    return str(victim["found"]["path"])


def _run(victim: Json, system: Json, *words: str) -> None:
    argv = [*words, "--", _path(victim)]
    done = _home(victim, system).run(argv, COMMAND_S)
    if done.code:
        raise NotDone(f"{' '.join(argv)} ended with {done.code}: {done.err.strip()}")
