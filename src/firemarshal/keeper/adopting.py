"""Healing what another machine left: its tombstone tells every undo, so that it becomes ours."""

import re
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from firemarshal.keeper.claiming import ask, held_by
from firemarshal.keeper.hands import Hands
from firemarshal.kinds import module_of
from firemarshal.state import UNDO_KEYS, SystemState
from firemarshal.target import find_spec_safely

IS_ACTION = re.compile(rb"^(FAULT|RECOVERY)\b", re.MULTILINE)
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
        if not _undoes(str(undo["module"])):
            return [f"undo {number} of the tombstone on {name} names {undo['module']!r}, no fault"]
    for number, undo in enumerate(whole):
        state.write_undo(number, undo)
    # The note comes last: with it the tombstone counts as taken over and is not read again.
    state.write_made(standing["drill"], {"module": module, "configuration": own})
    hands.journal.note("adopted", durable=True, system=name, drill=standing["drill"], told=value)
    return []


def _undoes(module: str) -> bool:
    """Whether it is a fault or a recovery: what stands in a database may be anybody's words."""
    if not find_spec_safely(module):
        return False
    spec = find_spec(module)
    path = Path(spec.origin) if spec and spec.origin else None
    return path is not None and path.is_file() and bool(IS_ACTION.search(path.read_bytes()))
