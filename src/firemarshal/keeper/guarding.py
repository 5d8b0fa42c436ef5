"""The guards of a profile in the keeper's hands: asked before anything is touched, fail closed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from firemarshal import stopping
from firemarshal.guards import Guards
from firemarshal.keeper import alarm
from firemarshal.keeper.order import Ended
from firemarshal.keeper.stage import Stage
from firemarshal.keeper.stragglers import end_stragglers
from firemarshal.keeper.verbs import Call
from firemarshal.keeper.waiting import Stopped
from firemarshal.state import SystemState

ERRANDS = "firemarshal.keeper.errands"
GRACE_S = 2.0
Json = dict[str, Any]


def before_anything(stage: Stage) -> None:
    """Freeze windows, the profile's questions, and stop conditions; raises Ended for a no."""
    states = [stage.state(name) for name in stage.drill.systems]
    if ended := [name for state in states for name in end_stragglers(state.folder)]:
        stage.journal.note("stragglers", ended=ended)  # of a keeper that left nothing else
    for name, why in answers(stage):
        stage.journal.note("guard", name=name, no=why)
        if why:
            _refuse(stage, name, why)
    stage.waiting.orders = lambda: _ordered(stage, states)
    if stage.order.target["stop_when"] and (why := alarm.watch(stage)):
        _refuse(stage, "stop conditions", why)


def not_frozen(stage: Stage) -> None:
    """Again before each act, because a window may begin while a drill waits; raises Ended."""
    if why := _guards(stage).frozen(datetime.now(UTC)):
        _refuse(stage, "freeze", why)


def before_harm(stage: Stage, system: str, fault: str, victims: list[Json]) -> None:
    """The hour, and the blast radius of exactly these victims; raises Ended for a no.

    A radius that nobody can tell is a no.
    """
    not_frozen(stage)
    _compare(stage, fault, victims)
    for name, why in radius(stage, system, fault, victims):
        if why:
            _refuse(stage, name, why)


def _compare(stage: Stage, fault: str, victims: list[Json]) -> None:
    """Note where this run differs from what its rehearsal announced."""
    if not (rehearsed := stage.order.rehearsed):
        return
    announced = {step["act"]: step["victims"] for step in rehearsed.get("steps", [])}.get(fault)
    before = sorted(one["name"] for one in announced or [])
    now = sorted(one["name"] for one in victims)
    differs = "" if now == before else f"announced {', '.join(before) or 'nobody'}"
    stage.journal.note(
        "as rehearsed" if not differs else "not as rehearsed",
        fault=fault,
        rehearsed=rehearsed["utc"],
        victims=now,
        why=f"{differs}, now {', '.join(now)}" if differs else "",
    )


def answers(stage: Stage) -> Iterator[tuple[str, str]]:
    """Every guard that needs no victims, with why it says no, "" for yes."""
    guards = _guards(stage)
    if guards.freeze:
        yield "freeze", guards.frozen(datetime.now(UTC))
    for question in stage.order.target["guards"]["ask"]:
        yield question["name"], _no(stage, question)


def radius(stage: Stage, system: str, fault: str, victims: list[Json]) -> Iterator[tuple[str, str]]:
    """The guards on exactly these victims, with why they say no, "" for yes."""
    guards = _guards(stage)
    members = [one["name"] for one in stage.order.systems[system]["members"]]
    harmed = {one["name"] for one in victims}  # a link or a table counts as a member would
    yield f"blast radius of {fault}", guards.too_many(harmed, members)
    if guards.least_healthy:
        yield "least_healthy", _too_few(stage, system, harmed, guards.least_healthy)


def _too_few(stage: Stage, system: str, harmed: set[str], least: int) -> str:
    answer = stage.probe(system, "members")
    if not answer.done:
        return f"the members of {system} did not say: {answer.error}"
    well = [one["name"] for one in answer.value if one["role"] != "unreachable"]
    left = sorted({*well} - harmed)
    told = f"{len(left)} healthy members would be left ({', '.join(left) or 'none'})"
    return f"{told}, need {least}" if len(left) < least else ""


def _guards(stage: Stage) -> Guards:
    return Guards.model_validate(stage.order.target["guards"])


def _refuse(stage: Stage, name: str, why: str) -> None:
    stage.journal.note("guard", durable=True, name=name, no=why)
    raise Ended("ABORTED", "guard", f"guard {name!r}: {why}")


def _no(stage: Stage, question: Json) -> str:
    """Why the answer is no, "" for yes; nobody's answer is a no."""
    given: Json = {"timeout_s": question["within_s"]}
    if question["http"]:
        function, given = "request", given | question["http"]
    else:
        log = str(stage.order.path / "guards.log")
        words = {"on": "", "folder": str(stage.order.rootdir), "log": log, "words": {}}
        function, given = "command", given | words | {"argv": question["run"], "spare": False}
    system = stage.drill.systems[0]
    call = Call(question["name"], ERRANDS, function, given, stage.order.configuration(system))
    answer = stage.hands.call(call, question["within_s"] + GRACE_S)
    if not answer.done:
        return answer.error or answer.status
    return "" if answer.value["ok"] else f"{answer.value['answer']} {answer.value['said']}".strip()


def _ordered(stage: Stage, states: list[SystemState]) -> Stopped | None:
    order = next(filter(None, map(stopping.ordered, states)), None) or stopping.run_ordered(
        Path(stage.order.state), stage.order.target["name"], stage.order.run
    )
    return Stopped("person", f"stopped by {order['by']}: {order['why']}") if order else None
