"""Healing what a dead drill left: the same healer, a journal of its own."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from firemarshal.asking import forget_all
from firemarshal.clock import now_us, utc_text
from firemarshal.journal import Journal, read
from firemarshal.keeper.adopting import adopt
from firemarshal.keeper.hands import Hands, Healer
from firemarshal.keeper.stragglers import end_stragglers
from firemarshal.keeper.verbs import Call
from firemarshal.keeper.waiting import Waiting
from firemarshal.state import SystemState
from firemarshal.target import find_spec_safely

Json = dict[str, Any]
FORGET_S = 30.0


def heal_leftovers(
    state: SystemState,
    waiting: Waiting,
    within_s: float,
    tell: Callable[[Json], None],
    elsewhere: Json | None = None,
    *,
    force: bool = False,
) -> list[str]:
    """Undo everything pending on a system and remove what dead drills made and left running there.

    Must be called with the system's lock held. Returns what still stands, [] when all is proved.
    `elsewhere` is how the system is reached, for what another machine may have left on it.
    """
    ended = end_stragglers(state.folder)
    forget_all(state)
    refused = _adopted(state, waiting, elsewhere, tell, force=force) if elsewhere else []
    undos, damaged = state.readable(), state.damaged()
    if refused or not (undos or damaged or state.made()):
        return refused
    folder = _folder(state, [undo.value["folder"] for undo in undos])
    journal = Journal(_fresh(folder), "healer", tell)
    try:
        journal.note(
            "opened",
            target=state.target,
            system=state.system,
            undos=[undo.path.name for undo in undos],
            heads=_heads(folder),
        )
        journal.note("stragglers", ended=ended)
        healer = Healer(journal, waiting, folder, state.folder.parent.parent)
        standing = healer.heal_all(state, within_s) + damaged
        for drill_id, value in state.made().items() if not standing else ():
            standing += _forget(healer, state, drill_id, value)
        journal.note("result", durable=True, standing=standing)
        journal.note("sealed", durable=True)
    finally:
        journal.close()
    return standing


def _adopted(
    state: SystemState,
    waiting: Waiting,
    elsewhere: Json,
    tell: Callable[[Json], None],
    *,
    force: bool,
) -> list[str]:
    folder = _folder(state, [])
    journal = Journal(_fresh(folder), "healer", tell)
    try:
        hands = Hands(journal, waiting, folder, state.folder.parent.parent)
        return adopt(hands, state, elsewhere, force=force)
    finally:
        journal.close()


def _forget(healer: Healer, state: SystemState, drill_id: str, value: Json) -> list[str]:
    names = {"forget": "marker rows"}
    if find_spec_safely(value["module"]) and hasattr(import_module(value["module"]), "release"):
        names["release"] = "tombstone"
    for function, what in names.items():
        call = Call(function, value["module"], function, {}, value["configuration"])
        answer = healer.call(call, FORGET_S, heed=False)
        if not answer.done:
            return [f"{what} of drill {drill_id}: {answer.error}"]
    state.unmade(drill_id)
    return []


def _folder(state: SystemState, folders: list[str]) -> Path:
    for folder in (Path(one) for one in folders if one):
        if folder.is_dir():
            return folder
    place = state.folder / "healed"
    place.mkdir(parents=True, exist_ok=True)
    return place


def _fresh(folder: Path) -> Path:
    stamp = utc_text().replace(":", "").replace("-", "")[:15]
    return folder / f"journal-heal-{stamp}-{now_us()}.jsonl"


def _heads(folder: Path) -> Json:
    return {
        path.name: str(reading.lines[-1]["seq"] if (reading := read(path)).lines else 0)
        for path in sorted(folder.glob("journal*.jsonl"))
        if path.stat().st_size
    }
