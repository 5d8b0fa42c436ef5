"""What a drill would do to whom, found by looking: identities, guards, victims, undo lines."""

from typing import Any

from firemarshal.keeper import alarm
from firemarshal.keeper.guarding import answers, radius
from firemarshal.keeper.order import Ended
from firemarshal.keeper.stage import Stage

VERBS = ("undo to disk", "inject", "bit", "heal", "bit")
Json = dict[str, Any]


def rehearse(stage: Stage) -> Json:
    """Everything a person on call would ask before; nothing is written on the target.

    The victims are those of this moment: a condition before a fault may change who they are.
    """
    guards = [{"name": name, "no": why} for name, why in answers(stage)]
    if stage.order.target["stop_when"]:
        guards.append({"name": "stop conditions", "no": alarm.watch(stage)})
        stage.end_sentinel()
    steps = [_step(stage, step.keyword, step.text, step.declaration) for step in stage.drill.steps]
    return {
        "drill": stage.drill.name,
        "drill_sha256": stage.drill.sha256,
        "file": f"{stage.drill.file}:{stage.drill.line}",
        "systems": [_system(stage, name) for name in stage.drill.systems],
        "guards": guards,
        "steps": steps,
        "needs": sorted({need for one in _acts(stage).values() for need in one["needs"]}),
        "takes_us": list(_takes(stage)),
    }


def _acts(stage: Stage) -> dict[str, Json]:
    return {**stage.drill.faults, **stage.drill.recoveries}


def _system(stage: Stage, name: str) -> Json:
    table = stage.order.systems[name]
    pinned = table.get("identity") or {}
    answer = stage.probe(name, "identify")
    said = answer.value.items() if answer.done else ()
    who = {key: str(value) for key, value in said if not isinstance(value, dict | list)}
    wrong = [f"{key} is {who.get(key)!r}, pinned {pinned[key]!r}" for key in pinned]
    wrong = [text for key, text in zip(pinned, wrong, strict=True) if who.get(key) != pinned[key]]
    members = stage.probe(name, "members")
    return {
        "name": name,
        "kind": table["kind"],
        "identity": who,
        "wrong": wrong or ([] if answer.done else [f"it did not say who it is: {answer.error}"]),
        "members": [f"{one['name']} ({one['role']})" for one in members.value or []],
        "stands": [undo.value["fault"] for undo in stage.state(name).readable()],
    }


def _step(stage: Stage, keyword: str, text: str, said: Json) -> Json:
    act = said.get("fault") or said.get("recovery") or ""
    found: Json = {"keyword": keyword, "text": text, "act": act, "victims": [], "guards": []}
    found |= {"does": "", "lasts": "", "calls": [], "no": "", "runbook": []}
    if said["declares"] == "Runbook":
        book = stage.drill.runbooks[said["runbook"]]
        found["runbook"] = [
            {key: one[key] for key in ("id", "kind", "owner", "text", "deadline_us")}
            for one in book["steps"]
        ]
    if not act:
        return found
    facts = _acts(stage)[act]
    recovery = said["declares"] == "Recovery"
    found["does"], found["lasts"] = facts["does"], facts.get("lasts", "")
    found["calls"] = ["aim"] if said["declares"] == "Aimed" else ["aim", *VERBS]
    found["calls"] = (
        ["aim", "undo to disk", "perform", "done", "remove"] if recovery else found["calls"]
    )
    module = facts["module"]
    try:
        victims = stage.hands.look(said["system"], act, module, said["arguments"])
    except Ended as ended:
        return {**found, "no": ended.why}
    found["victims"] = [
        {"id": one["id"], "name": one["name"], "undo": one.get("undo", "")} for one in victims
    ]
    if not recovery:
        told = radius(stage, said["system"], act, victims)
        found["guards"] = [{"name": name, "no": why} for name, why in told]
    return found


def _takes(stage: Stage) -> tuple[int, int]:
    """Shortest and longest, microseconds: what must be waited for, and every deadline used up."""
    said = [one.declaration for one in stage.drill.steps]
    settings = [stage.order.systems[name]["recorder"] for name in stage.drill.systems]
    window_us = max(round(one["window_s"] * 1e6) for one in settings)
    baseline_us = max(round(one["baseline_s"] * 1e6) for one in settings)
    planned_us = sum((one.get("for_us") or 0) + (one.get("hold_us") or 0) for one in said)
    work_us = sum(one["takes_up_to_us"] for one in stage.drill.recoveries.values())
    books = stage.drill.runbooks.values()
    work_us += sum(step["deadline_us"] for book in books for step in book["steps"])
    target = stage.order.target
    watch_us = round(target["give_up_after_s"] * 1e6)
    rto_us = max((one.limit for one in stage.drill.promises if one.kind == "rto"), default=0)
    beyond_us = rto_us + round(target["watch_beyond_s"] * 1e6)
    watch_us = min(watch_us, max(2 * rto_us, beyond_us, 2 * window_us))
    heal_us = round(target["heal_within_s"] * 1e6)
    least = baseline_us + planned_us + 2 * window_us
    return least, baseline_us + planned_us + work_us + watch_us + 3 * heal_us + window_us
