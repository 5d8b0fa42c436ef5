"""What recoveries and runbooks are worth: their own clocks, and their claim against the clients."""

from typing import Any

from firemarshal.clock import seconds_text
from firemarshal.drill import Promise
from firemarshal.recovery import Recovery
from firemarshal.verdict import Judgement, judge

NOBODY = "not done"
Json = dict[str, Any]
Found = tuple[int, int | None, str, str, Judgement | None]


def of_step(promise: Promise, record: Json) -> Found:
    """One step of a runbook against its own deadline; a step that failed is missed, whenever."""
    name = promise.of.partition("/")[2]
    step = next((one for one in record["steps"] if one["id"] == name), None)
    if step is None or step["outcome"] == "not begun":
        why = f"not begun: {record['why'] or 'the drill ended before'}"
        return 0, None, NOBODY, why, Judgement("unknown", why)
    took_us = step["ended_us"] - step["begun_us"]
    told = f"{step['answer']} after {seconds_text(took_us)}"
    if step["outcome"] == "done":
        return took_us, took_us, "", step["answer"], judge(promise.limit, took_us, took_us)
    missed = Judgement("missed", f"{step['outcome']}: {told}")
    return took_us, None, NOBODY, f"{step['outcome']}: {step['answer']}", missed


def of_claim(record: Json, recovery: Recovery, t0_us: int, window_us: int) -> Found:
    """0 or 1 false claims: success was reported, and clients did not have the system back.

    A claim is given one window: what comes back later came back without it, or in spite of it.
    """
    if record["claimed"] != "success":
        why = f"it claims no success: {record['why'] or 'it did not end'}"
        return 0, None, "no claim", why, Judgement("unknown", why)
    claimed_us = record["ended_us"] - t0_us
    said = f"the runbook said success {seconds_text(claimed_us)} after the fault"
    if recovery.upper_us is None:
        why = f"{said}; clients never saw the system back while it was watched"
        return 1, 1, "", why, Judgement("missed", why)
    if recovery.lower_us > claimed_us + window_us:
        why = f"{said}; clients failed until {seconds_text(recovery.lower_us)} after it"
        return 1, 1, "", why, Judgement("missed", why)
    why = f"{said}, and clients agree"
    return 0, 0, "", why, Judgement("met", why)


def of_recoveries(records: list[Json], t0_us: int) -> Found:
    """From T0 to the proof of the last of them: between the last look that saw it undone and it.

    Open where one of them failed, with its reason.
    """
    own = [one for one in records if one["kind"] == "recovery"]
    failed = next((one for one in own if one["claimed"] != "success"), None)
    lower = max((one["undone_us"] or one["ended_us"] for one in own), default=t0_us) - t0_us
    if failed:
        why = failed["why"] or f"{failed['name']} did not end"
        return max(lower, 0), None, "not proved", why, Judgement("missed", why)
    upper = max(one["done_us"] for one in own) - t0_us
    return min(lower, upper), upper, "", "", None
