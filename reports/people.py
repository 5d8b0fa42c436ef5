"""What people did: runbooks and recoveries, each step with its owner and its own clock."""

from typing import Any

from firemarshal import duration
from firemarshal.reports import drawing, story, words

HUMAN = "human"
CLAIM = "claim"
SUCCESS = "success"
WHO = {HUMAN: "a person", "command": "a command", "http": "a request"}
SIGNS = {"done": "✓", "late": "✗", "failed": "✗", "refused": "✗", "not begun": "○"}
TONES = {"done": "good", "late": "bad", "failed": "bad", "refused": "bad"}
Json = dict[str, Any]


def of(one: story.Drill) -> list[Json]:
    """Every runbook and recovery of a drill, as plain data for the page."""
    return [_told(one, each) for each in one.recoveries]


def begun(recovery: Json) -> list[Json]:
    """The steps that were begun, in the runbook's order."""
    return [step for step in recovery["steps"] if step["begun_us"]]


def deciding_us(recovery: Json) -> int:
    """How long the machines waited for people: the time of all human steps together."""
    return sum(
        step["ended_us"] - step["begun_us"] for step in begun(recovery) if step["kind"] == HUMAN
    )


def disputed(one: story.Drill) -> list[Json]:
    """The runbooks and recoveries that said success while clients did not agree."""
    return [each for each in one.recoveries if _agreed(one, each) is False]


def contradiction(one: story.Drill) -> str:
    """The first thing that anybody must know of such a drill, as a sentence; "" for all others."""
    found = disputed(one)
    if not found:
        return ""
    names = " and ".join(f"{each['kind']} {each['name']!r}" for each in found)
    return f"The {names} said success; clients disagreed."


def stopped(one: story.Drill) -> str:
    """Where runbooks came to nothing, each in a sentence; "" where none did."""
    return " ".join(
        _stopped(each) for each in one.recoveries if each["why"] or each["claimed"] == "failed"
    )


def _stopped(recovery: Json) -> str:
    name = f"The {recovery['kind']} {recovery['name']!r}"
    step = next((one for one in begun(recovery) if one["outcome"] != "done"), None)
    if step is None:
        return f"{name} came to nothing: {recovery['why'] or 'it said so itself'}."
    owner = f" ({step['owner']})" if step["owner"] else ""
    answer = f", {step['answer']}" if step["answer"] else ""
    return f"{name} ended at step {step['id']!r}{owner}: {step['outcome']}{answer}."


def _agreed(one: story.Drill, recovery: Json) -> bool | None:
    """Whether clients bore a claim of success out; None where nothing was claimed or judged."""
    if recovery["claimed"] != SUCCESS:
        return None
    verdicts = {
        each["verdict"]
        for each in one.promises
        if each["kind"] == CLAIM and each.get("of") == recovery["name"]
    }
    return None if not verdicts or "unknown" in verdicts else "missed" not in verdicts


def _told(one: story.Drill, recovery: Json) -> Json:
    zero = one.t0[1] if one.t0 else recovery["begun_us"]
    waited = deciding_us(recovery)
    took = recovery["ended_us"] - recovery["begun_us"]
    return {
        "name": recovery["name"],
        "kind": recovery["kind"],
        "system": recovery["system"],
        "claim": claim(one, recovery),
        "tone": _tone(one, recovery),
        "about": _about(one, recovery),
        "why": recovery["why"][:1].upper() + recovery["why"][1:].rstrip("."),
        "began": words.fine(abs(recovery["begun_us"] - zero)) if recovery["begun_us"] else "",
        "side": "after" if recovery["begun_us"] >= zero else "before",
        "took": words.fine(took),
        "decide": words.fine(waited) if waited else "",
        "rest": words.fine(max(0, took - waited)),
        "steps": [_step(number, each, zero) for number, each in enumerate(recovery["steps"], 1)],
    }


def _about(one: story.Drill, recovery: Json) -> str:
    """What the drill says of it, and the hash of the runbook's file as it was compiled."""
    known = one.drill.get("runbooks", {}).get(recovery["name"])
    if known is None:
        known = one.drill.get("recoveries", {}).get(recovery["name"], {})
    file = f"File of the runbook: {known['sha256']}" if known.get("steps") else ""
    told = [str(known.get("about") or known.get("does") or "").rstrip("."), file]
    return ". ".join(f"{text[0].upper()}{text[1:]}" for text in told if text) + "." * any(told)


def claim(one: story.Drill, recovery: Json) -> str:
    """What a runbook or recovery said of itself, and whether clients bear it out."""
    if recovery["claimed"] == SUCCESS:
        agreed = _agreed(one, recovery)
        if agreed is None:
            return "It said success; whether clients agree was not judged."
        return f"It said success; clients {'agreed' if agreed else 'disagreed'}."
    if recovery["claimed"]:
        return "It said itself that it failed."
    return "It said nothing of its success." if recovery["begun_us"] else "It was never begun."


def _tone(one: story.Drill, recovery: Json) -> str:
    agreed = _agreed(one, recovery)
    if agreed is None:
        return "bad" if recovery["claimed"] == "failed" else "doubt"
    return "good" if agreed else "bad"


def _step(number: int, step: Json, zero: int) -> Json:
    took = step["ended_us"] - step["begun_us"]
    return {
        "number": number,
        "id": step["id"],
        "text": step["text"] or step["id"],
        "owner": step["owner"] or "nobody named",
        "who": WHO.get(step["kind"], step["kind"]),
        "began": drawing.moment(step["begun_us"] - zero) if step["begun_us"] else "",
        "took": words.fine(took) if step["begun_us"] else "",
        "deadline": duration.text(step["deadline_us"] / 1_000_000) if step["deadline_us"] else "",
        "outcome": step["outcome"],
        "sign": SIGNS.get(step["outcome"], "?"),
        "tone": TONES.get(step["outcome"], "doubt"),
        "answer": step["answer"],
        "seq": step["seq"],
    }
