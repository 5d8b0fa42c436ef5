"""The tombstone in the keeper's hands: who drills, until when, and how to undo it elsewhere."""

import os
import socket
from importlib import import_module
from typing import Any

import orjson

from firemarshal.clock import boot_id, later_text, utc_text
from firemarshal.keeper.hands import Hands
from firemarshal.keeper.order import Ended, Order
from firemarshal.keeper.stage import Stage
from firemarshal.keeper.verbs import Answer, Call
from firemarshal.kinds import module_of
from firemarshal.state import Undo

WITHIN_S = 12.0
UNDO = ("fault", "module", "lasts", "victims", "verb", "at_us", "boot_id", "utc", "drill")
Json = dict[str, Any]


def claim(stage: Stage) -> None:
    """Leave the tombstone on every system; raises Ended when another drill's stands there.

    Outside a lab a system on which none can be left is not drilled, unless the profile says so.
    """
    for system in stage.drill.systems:
        if not _has_place(stage.order.systems[system]):
            _without(stage, system, "its kind has no place for one")
            continue
        stage.note_what_we_make(system)
        answer = ask(stage.hands, stage.order.configuration(system), "claim", told(stage.order, []))
        if not answer.done:
            stage.doubtful.append(system)  # it may have been written before its answer was lost
            _without(stage, system, answer.error)
        elif answer.value.get("drill") != stage.order.short_id:
            raise Ended("ABORTED", "lock", held_by(system, answer.value))
        else:
            stage.claimed.append(system)
    stage.hands.on_armed = lambda undo: _tell(stage, undo)


def holder(stage: Stage, system: str) -> str:
    """Who drills a system that cannot be asked who it is, "" for nobody: looks, and writes not."""
    if not _has_place(stage.order.systems[system]):
        return ""
    answer = ask(stage.hands, stage.order.configuration(system), "claimed")
    return held_by(system, answer.value) if answer.done and answer.value else ""


def release(stage: Stage, system: str) -> str:
    """Take it away; why it could not be, "" when it is gone or never was."""
    if system not in (*stage.claimed, *stage.doubtful):
        return ""
    why = ask(stage.hands, stage.order.configuration(system), "release").error
    if why and system in stage.doubtful:
        stage.journal.note("tombstone in doubt", durable=True, system=system, why=why)
        return ""
    return why


def ask(hands: Hands, configuration: Json, function: str, *words: str) -> Answer:
    """Claim, claimed or release, heeding no stop: a half claimed system would be nobody's."""
    module = module_of(configuration["system"])
    given = {"told": words[0]} if words else {}
    call = Call(
        f"{function} {configuration['system']['name']}", module, function, given, configuration
    )
    return hands.call(call, WITHIN_S, heed=False, quiet=True)


def told(order: Order, undos: list[Undo]) -> str:
    """What stands on the tombstone: who, until when, the command, and every undo so far."""
    longest_s = order.target["max_hold_s"] + order.target["heal_within_s"]
    value = {
        "run": order.run,
        "drill": order.drill_json["name"],
        "host": socket.gethostname(),
        "boot_id": boot_id(),
        "pid": os.getpid(),
        "utc": utc_text(),
        "until": later_text(2 * longest_s),
        "heal": f"firemarshal heal --target {order.target['name']}",
        "undos": [
            {key: undo.value[key] for key in UNDO if key in undo.value}
            | {"system": undo.value["system"], "file": undo.path.name}
            for undo in undos
        ],
    }
    return orjson.dumps(value).decode()


def held_by(system: str, standing: Json) -> str:
    """Who holds it, as far as the tombstone can be read, and what to type."""
    try:
        value = orjson.loads(standing.get("told") or "")
        who = f"{value['drill']!r} of run {value['run']} on {value['host']}, since {value['utc']}"
        cure = f"if that machine is gone, after {value['until']}: {value['heal']}"
    except (orjson.JSONDecodeError, KeyError, TypeError):
        who, cure = f"a drill with the id {standing.get('drill')!r}", "its tombstone is damaged"
    return f"system {system!r} is being drilled by {who}; {cure}"


def _has_place(system: Json) -> bool:
    return hasattr(import_module(module_of(system)), "claim")


def _without(stage: Stage, system: str, why: str) -> None:
    stage.journal.note("no tombstone", durable=True, system=system, why=why)
    guards = stage.order.target["guards"]
    if stage.order.target["environment"] != "lab" and guards["tombstone"]:
        raise Ended(
            "ABORTED",
            "guard",
            f"no tombstone could be left on {system}, so another machine could neither see this "
            f"drill nor heal it: {why}; cure: make it writable, or say tombstone = false in "
            "[guards]",
        )


def _tell(stage: Stage, undo: Undo) -> None:
    """Add the undo before the harm is done; raises Ended where no other machine could see it.

    What people do goes on even so: a recovery is there to bring back what cannot be written to.
    """
    system = undo.value["system"]
    if system in stage.claimed:
        own = [one for one in stage.hands.armed if one.value["system"] == system]
        answer = ask(
            stage.hands, stage.order.configuration(system), "claim", told(stage.order, own)
        )
        if not answer.done:
            stage.journal.note("tombstone not told", system=system, why=answer.error)
            if "verb" not in undo.value:
                _without(stage, system, answer.error)
