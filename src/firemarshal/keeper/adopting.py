"""Healing what another machine left: its tombstone tells every undo, so that it becomes ours."""

from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import orjson

from firemarshal.keeper.claiming import ask, held_by
from firemarshal.keeper.hands import Hands
from firemarshal.kinds import module_of
from firemarshal.state import UNDO_KEYS, SystemState

Json = dict[str, Any]


def adopt(hands: Hands, state: SystemState, configuration: Json, *, force: bool) -> list[str]:
    """Write the undo files of a drill whose machine is gone; must be called with the lock held.

    Returns why not, [] when nobody's tombstone stands there or all of it has been taken over. A
    tombstone that has not run out may belong to a drill under way: only `force` takes it.
    """
    module, name = module_of(configuration["system"]), configuration["system"]["name"]
    if not hasattr(import_module(module), "claimed"):
        return []
    answer = ask(hands, configuration, "claimed")
    if not answer.done:
        return [f"whether another machine drills {name} cannot be seen: {answer.error}"]
    standing: Json = answer.value
    if not standing or standing["drill"] in state.made():
        return []
    try:
        value = orjson.loads(standing["told"])
        until = datetime.fromisoformat(value["until"])
        undos: list[Json] = value["undos"]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return [f"{held_by(name, standing)}; remove it by hand once nothing stands"]
    if datetime.now(UTC) < until and not force:
        return [f"{held_by(name, standing)}; or now, if it is gone: --even-if-held"]
    own = {**configuration, "drill": standing["drill"]}
    whole = [
        {**undo, "configuration": own, "drill_id": standing["drill"], "folder": ""}
        for undo in undos
    ]
    for number, undo in enumerate(whole):
        if missing := [key for key in UNDO_KEYS if key not in undo]:
            return [f"undo {number} of the tombstone on {name} has no {', '.join(missing)}"]
    for number, undo in enumerate(whole):
        state.write_undo(number, undo)
    # The note comes last: with it the tombstone counts as taken over and is not read again.
    state.write_made(standing["drill"], {"module": module, "configuration": own})
    hands.journal.note("adopted", durable=True, system=name, drill=standing["drill"], told=value)
    return []
