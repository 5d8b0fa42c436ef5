"""What people and their automation do after the disaster: carried out, timed, and proved."""

from typing import Any

from firemarshal import asking
from firemarshal.clock import boot_id, now_us, seconds_text, utc_text
from firemarshal.keeper.guarding import not_frozen
from firemarshal.keeper.hands import Injection, integers
from firemarshal.keeper.stage import Stage
from firemarshal.keeper.verbs import Answer, Call

AIM_S, PROOF_S, PAGE_S, GRACE_S = 15.0, 15.0, 15.0, 5.0
LOOK_EVERY_US = 100_000
ERRANDS = "firemarshal.keeper.errands"
Json = dict[str, Any]


def recover(stage: Stage, said: Json) -> None:
    """Carry out one recovery and look until its work is proved; failing is a result, no error."""
    name, system = said["recovery"], said["system"]
    begun_us = _begin(stage, name)
    record = _record(stage.step, name, "recovery", system, begun_us)
    stage.result.recoveries.append(record)
    facts = stage.drill.recoveries[name]
    until_us = begun_us + facts["takes_up_to_us"]
    with stage.errand(name, until_us):
        record["why"] = _recovered(stage, said, facts["module"], until_us, record)
    record["ended_us"] = now_us()
    record["claimed"] = "failed" if record["why"] else "success"
    stage.journal.note("recovery ended", durable=True, **integers(record))


def _recovered(stage: Stage, said: Json, module: str, until_us: int, record: Json) -> str:
    """Why it did not succeed, "" when it was proved; notes the last look that saw it undone."""
    name, system = said["recovery"], said["system"]
    aimed = _verb(stage, system, module, "aim", said["arguments"], AIM_S)
    if not aimed.done or not aimed.value:
        return f"{name} found nothing to work on: {aimed.error or 'aim is empty'}"
    given = {"victims": aimed.value}
    stage.hands.arm(system, name, aimed.value, module, "moment", verb="remove")
    left_s = max(1.0, (until_us - now_us()) / 1e6)
    performed = _verb(stage, system, module, "perform", given, left_s)
    if not performed.done:
        return f"{name}: {performed.error}"
    while True:
        proof = _verb(stage, system, module, "done", given, PROOF_S, quiet=True)
        said_so = proof.value if proof.done and isinstance(proof.value, dict) else {}
        seen = str(said_so.get("seen") or proof.error or proof.value)
        if said_so.get("done") is False:
            record["undone_us"] = proof.before_us
        if said_so.get("done") is True:
            record["done_us"] = proof.after_us
            stage.journal.note("recovery proved", durable=True, recovery=name, seen=seen)
            return ""
        if now_us() >= until_us:
            return f"{name} was not proved in time; seen last: {seen}"
        stage.waiting.pause(now_us() + LOOK_EVERY_US)


def carry_out(stage: Stage, said: Json) -> None:
    """Carry out a runbook, step after step; the first step that fails ends it, as for people."""
    name, system = said["runbook"], said["system"]
    record = _record(stage.step, name, "runbook", system, _begin(stage, name))
    stage.result.recoveries.append(record)
    for number, step in enumerate(stage.drill.runbooks[name]["steps"], start=1):
        done = {key: step[key] for key in ("id", "kind", "owner", "text", "deadline_us")}
        record["steps"].append(done)
        if record["why"]:
            done |= {"outcome": "not begun", "answer": "", "begun_us": 0, "ended_us": 0, "seq": 0}
            continue
        _do(stage, said, step, number, done)
        if done["outcome"] != "done":
            record["why"] = f"step {step['id']}: {done['outcome']}: {done['answer']}"
    record["claimed"] = "failed" if record["why"] else "success"
    record["ended_us"] = now_us()
    stage.journal.note("runbook ended", durable=True, **integers(record))


def _do(stage: Stage, said: Json, step: Json, number: int, done: Json) -> None:
    """One step to its end, with the journal's line on it."""
    done["begun_us"] = now_us()
    stage.journal.note("step begins", runbook=said["runbook"], step=step["id"], owner=step["owner"])
    until_us = done["begun_us"] + step["deadline_us"]
    _tell(stage, step, "begun", until_us)
    with stage.errand(f"step {step['id']}", until_us):
        if step["kind"] == "human":
            answer = _asked(stage, said, step, until_us)
        else:
            answer = _called(stage, said, step, number)
    done["ended_us"] = min(answer.pop("at_us", now_us()), now_us())
    done["outcome"], done["answer"] = answer["outcome"], answer["answer"]
    if done["outcome"] == "done" and done["ended_us"] > until_us:
        done["outcome"] = "late"
    _tell(stage, step, f"{done['outcome']}, {done['answer']}", 0)
    line = stage.journal.note(
        "step ended", durable=True, runbook=said["runbook"], **integers({**done, **answer})
    )
    done["seq"] = line["seq"]


def _tell(stage: Stage, step: Json, state: str, ends_at_us: int) -> None:
    """Say on screen what is done, by whom, and how a person answers."""
    text = f"step {step['id']} ({step['owner']})" if step["owner"] else f"step {step['id']}"
    if state == "begun":
        text += f": {step['text']}"
    if state == "begun" and step["kind"] == "human":
        text += f" To answer: firemarshal confirm {step['id']} --by NAME"
    told = {"tell": "work", "text": text, "state": state, "ends_at_us": ends_at_us}
    stage.waiting.tell({**told, "asks": step["kind"] == "human"})


def _called(stage: Stage, said: Json, step: Json, number: int) -> Json:
    """A command or a request; the keeper's deadline is longer, so that its own words are kept."""
    deadline_s = step["deadline_us"] / 1e6
    given: Json = {"timeout_s": deadline_s}
    if step["http"]:
        given |= step["http"]
    else:
        log = stage.order.path / f"runbook-{number:02d}-{step['id']}.log"
        given |= {"argv": step["run"], "on": step["on"], "folder": str(stage.order.rootdir)}
        given |= {"log": str(log), "words": _words(stage, said, step)}
    answer = _errand(stage, said["system"], step, given, deadline_s + GRACE_S)
    if not answer.done:
        outcome = "late" if answer.status == "late" else "failed"
        return {"outcome": outcome, "answer": answer.error, "said": ""}
    told: Json = answer.value
    late = not told["ok"] and answer.after_us - answer.before_us >= step["deadline_us"]
    outcome = "done" if told["ok"] else "late" if late else "failed"
    answered = {"outcome": outcome, "answer": told["answer"], "said": told["said"]}
    return {**answered, "left_running": told["left"]} if told.get("left") else answered


def _asked(stage: Stage, said: Json, step: Json, until_us: int) -> Json:
    """Ask a person and wait; the question lies on disk before anybody is called."""
    value = {
        "step": step["id"],
        "runbook": said["runbook"],
        "drill": stage.drill.name,
        "owner": step["owner"],
        "text": step["text"],
        "within": seconds_text(step["deadline_us"]),
        "utc": utc_text(),
    }
    question = asking.ask(stage.state(said["system"]), stage.order.short_id, value)
    try:
        paged = _page(stage, said, step)
        while (found := question.answer()) is None:
            if now_us() >= until_us:
                return {"outcome": "late", "answer": "nobody answered", "said": paged}
            stage.waiting.pause(min(now_us() + LOOK_EVERY_US, until_us))
    finally:
        question.close()
    told = f"by {found['by']}" + (f": {found['note']}" if found["note"] else "")
    outcome, word = ("refused", "refused") if found["refused"] else ("done", "confirmed")
    answer = {"outcome": outcome, "answer": f"{word} {told}", "said": f"{found['account']} {paged}"}
    if found["boot_id"] == boot_id():  # else it was another machine's clock
        answer["at_us"] = max(found["at_us"], until_us - step["deadline_us"])
    return answer


def _page(stage: Stage, said: Json, step: Json) -> str:
    """Call the owner by the command of the profile; that it fails is told and does not end it."""
    roles = {one["role"]: one["page"] for one in stage.order.target.get("people", [])}
    if not roles.get(step["owner"]):
        return ""
    given = {
        "argv": roles[step["owner"]],
        "on": "",
        "timeout_s": PAGE_S,
        "folder": str(stage.order.rootdir),
        "log": str(stage.order.path / f"page-{step['id']}.log"),
        "words": _words(stage, said, step),
    }
    answer = _errand(stage, said["system"], {**step, "http": None}, given, PAGE_S + GRACE_S)
    told: Json = answer.value if answer.done else {"ok": False, "answer": answer.error}
    seen = "paged" if told["ok"] else f"the page failed: {told['answer']}"
    stage.journal.note("paged", step=step["id"], owner=step["owner"], seen=seen)
    return seen


def _words(stage: Stage, said: Json, step: Json) -> Json:
    """The variables that the team's own scripts and pagers find in their environment."""
    return {
        "FIREMARSHAL_TARGET": stage.order.target["name"],
        "FIREMARSHAL_SYSTEM": said["system"],
        "FIREMARSHAL_DRILL": stage.drill.name,
        "FIREMARSHAL_STEP": step["id"],
        "FIREMARSHAL_OWNER": step["owner"],
        "FIREMARSHAL_QUESTION": step["text"],
    }


def _errand(stage: Stage, system: str, step: Json, given: Json, deadline_s: float) -> Answer:
    function = "request" if step["http"] else "command"
    configuration = stage.order.configuration(system)
    name = f"{function} {step['id']}"
    call = Call(name, ERRANDS, function, given, configuration, leaves_running=True)
    return stage.hands.call(call, deadline_s)


def _verb(
    stage: Stage,
    system: str,
    module: str,
    verb: str,
    given: Json,
    deadline_s: float,
    *,
    quiet: bool = False,
) -> Answer:
    configuration = stage.order.configuration(system)
    name = f"{verb} {module.rpartition('.')[2]}"
    call = Call(name, module, verb, given, configuration, leaves_running=verb == "perform")
    return stage.hands.call(call, deadline_s, quiet=quiet)


def _begin(stage: Stage, name: str) -> int:
    """The moment it begins, which is T0 where no disaster was before."""
    not_frozen(stage)
    at_us = now_us()
    stage.journal.note("recovery begins", durable=True, recovery=name, at=at_us)
    if stage.struck is None:
        stage.struck = Injection(at_us, at_us)
        stage.journal.note("clock starts", durable=True, t0=[at_us, at_us])
        stage.waiting.tell({"tell": "struck", "fault": name, "t0_us": at_us})
    return at_us


def _record(step: int, name: str, kind: str, system: str, begun_us: int) -> Json:
    """What is told of it; found again by its step, because one may be carried out twice."""
    return {
        "step": step,
        "name": name,
        "kind": kind,
        "system": system,
        "begun_us": begun_us,
        "ended_us": 0,
        "undone_us": begun_us,
        "done_us": 0,
        "claimed": "",
        "why": "",
        "steps": [],
    }
