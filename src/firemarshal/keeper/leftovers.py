"""Healing what a dead drill left: the same healer, a journal of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from firemarshal.asking import forget_all
from firemarshal.clock import now_us, utc_text
from firemarshal.journal import Journal, read
from firemarshal.keeper.hands import Healer
from firemarshal.keeper.stragglers import end_stragglers
from firemarshal.keeper.verbs import Call
from firemarshal.keeper.waiting import Waiting
from firemarshal.state import SystemState

Json = dict[str, Any]
FORGET_S = 30.0


def heal_leftovers(
    state: SystemState, waiting: Waiting, within_s: float, tell: Callable[[Json], None]
) -> list[str]:
    """Undo everything pending on a system and remove what dead drills made there.

    Must be called with the system's lock held. Returns what still stands, [] when all is proved.
    """
    forget_all(state)
    undos, damaged = state.readable(), state.damaged()
    if not (undos or damaged or state.made()):
        return []
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
        ended = end_stragglers(state.folder)
        journal.note("stragglers", ended=ended)
        healer = Healer(journal, waiting, folder, state.folder.parent.parent)
        standing = healer.heal_all(state, within_s) + damaged
        for drill_id, value in state.made().items():
            standing += _forget(healer, state, drill_id, value)
        journal.note("result", durable=True, standing=standing)
        journal.note("sealed", durable=True)
    finally:
        journal.close()
    return standing


def _forget(healer: Healer, state: SystemState, drill_id: str, value: Json) -> list[str]:
    call = Call("forget", value["module"], "forget", {}, value["configuration"])
    answer = healer.call(call, FORGET_S, heed=False)
    if not answer.done:
        return [f"marker rows of drill {drill_id}: {answer.error}"]
    state.unmade(drill_id)
    return []


def _folder(state: SystemState, folders: list[str]) -> Path:
    for folder in map(Path, folders):
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
