"""Healing and looking from the command line, with no run around it."""

from collections.abc import Callable
from typing import Any

from firemarshal import state
from firemarshal.keeper.client import KeeperHouse
from firemarshal.keeper.stragglers import noted
from firemarshal.project import Project

LOOKS = "healing"
Json = dict[str, Any]


def heal_all(
    project: Project,
    name: str,
    within_s: float,
    say: Callable[[str], None],
    lab_table: Callable[[str], Json | None],
    *,
    force: bool = False,
) -> dict[str, list[str]]:
    """Heal every system of the target; returns system -> what still stands.

    `lab_table` tells a system of the lab as it was made, None when it was removed: what a drill
    did to a lab that is gone went with it, and healing would reach somebody else's ports. Other
    systems are asked for the tombstone of another machine; `force` takes one that may be alive.
    """
    profile = project.target(name)
    for system in profile.systems:
        if system.lab:
            _retire(project, profile.name, system.name, lab_table(system.name), say)
    elsewhere = {
        one.name: {
            "target": profile.name,
            "drill": LOOKS,
            "system": one.model_dump(mode="json"),
        }
        for one in profile.systems
        if not one.lab
    }
    names = dict.fromkeys([*_left(project, profile.name), *_ran(project, profile.name), *elsewhere])
    if not names:
        say(f"{profile.name}: nothing stands")
        return {}
    project.state.mkdir(parents=True, exist_ok=True)
    house = KeeperHouse(project.rootdir, project.state / "heal.log")
    more = {"elsewhere": elsewhere, "force": force}
    try:
        return {
            system: _heal(project, profile.name, house, system, within_s, say, more)
            for system in names
        }
    finally:
        house.close()


def _retire(
    project: Project, name: str, system: str, now: Json | None, say: Callable[[str], None]
) -> None:
    found = state.SystemState(project.state, name, system)
    for path, configuration in found.notes():
        then = configuration["system"]
        if now is None or now.get("members") != then.get("members"):
            path.rename(path.with_suffix(".retired"))
            say(f"{system}: {path.name} was for a lab that is gone, and everything in it")


def _heal(
    project: Project,
    name: str,
    house: KeeperHouse,
    system: str,
    within_s: float,
    say: Callable[[str], None],
    more: Json,
) -> list[str]:
    left = system in _left(project, name)
    say(f"{system}: healing" if left else f"{system}: looking")
    events: set[str] = set()

    def hear(message: Json) -> None:
        events.add(message.get("event", ""))
        if message["tell"] == "healing":
            for one in message["standing"]:
                say(f"{system}: still stands: {one}")

    standing = house.heal(project.state, name, [system], within_s, hear, **more)
    well = "healed, and proved" if left or "opened" in events else "nothing stands"
    say(f"{system}: " + ("NOT CLEAN: " + "; ".join(standing) if standing else well))
    return standing


def standing_lines(project: Project, name: str) -> list[str]:
    """What stands, with the shell lines that undo it by hand."""
    profile = project.target(name)
    lines = []
    for system in _systems(project, profile.name):
        lines += _holder(state.SystemState(project.state, profile.name, system))
    for system, undos in state.all_pending(project.state, profile.name).items():
        for undo in undos:
            value = undo.value
            lines.append(f"{system}: {value['fault']} of {value['drill']!r}, since {value['utc']}")
            lines += [f"    {line}" for line in undo.shell]
    return lines


def in_the_way(project: Project, name: str) -> list[str]:
    """Why no drill could begin on the target now: who drills, what stands, what was left."""
    found = standing_lines(project, name)
    target = project.target(name).name
    what = "something of an earlier drill is left"
    found += [f"{one}: {what}" for one in _left(project, target) if f"{one}: " not in str(found)]
    return found


def _holder(system: state.SystemState) -> list[str]:
    try:
        with system.lock({}):
            return []
    except state.Locked as locked:
        return [str(locked)]


def _systems(project: Project, name: str) -> list[str]:
    folder = project.state / name
    return sorted(one.name for one in folder.glob("*/")) if folder.is_dir() else []


def _left(project: Project, name: str) -> list[str]:
    names = _systems(project, name)
    states = {one: state.SystemState(project.state, name, one) for one in names}
    return [
        one for one, found in states.items() if found.readable() or found.made() or found.damaged()
    ]


def _ran(project: Project, name: str) -> list[str]:
    """Systems on which a keeper died in the middle of a command, maybe with nothing else left."""
    return [one for one in _systems(project, name) if noted(project.state / name / one)]
