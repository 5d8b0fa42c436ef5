"""Every promise of a drill held against what was measured, before the first one is reported."""

from dataclasses import dataclass
from typing import Any

from firemarshal.clock import seconds_text
from firemarshal.drill import Drill, Promise
from firemarshal.journal import Journal
from firemarshal.keeper.hands import Injection
from firemarshal.keeper.recovered import of_claim, of_recoveries, of_step
from firemarshal.keeper.watch import Watch
from firemarshal.loss import Loss
from firemarshal.recovery import Recovery
from firemarshal.verdict import Judgement, judge

Json = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """What a promise is held against; `decided` None means that the figures alone decide.

    `open_because` says why no upper end was seen, None that nothing could be compared.
    """

    lower: int
    upper: int | None
    open_because: str | None
    note: str = ""
    decided: Judgement | None = None


@dataclass(frozen=True)
class Facts:
    """Everything that was measured in one drill."""

    drill: Drill
    watch: Watch
    struck: Injection
    recovery: Recovery
    lost: Loss | None
    recoveries: list[Json]


def judged(
    drill: Drill,
    journal: Journal,
    watch: Watch,
    struck: Injection,
    reconciled: Json | None,
    recoveries: list[Json],
) -> list[Json]:
    """Every promise judged, all of them before the first one is reported."""
    recovery = watch.measured(struck)
    journal.note("measured", durable=True, kind="rto", **vars(recovery))
    lost = watch.lost(struck, reconciled) if reconciled is not None else None
    if lost is not None:
        journal.note("measured", durable=True, kind="loss", text=lost.text(), **vars(lost))
    facts = Facts(drill, watch, struck, recovery, lost, recoveries)
    return [_judged(facts, one, journal) for one in drill.promises]


def _judged(facts: Facts, promise: Promise, journal: Journal) -> Json:
    found = _measured(promise, facts)
    judgement = found.decided or judge(
        promise.limit,
        found.lower,
        found.upper,
        unit=promise.unit,
        open_because=found.open_because or "",
    )
    line = journal.note(
        "judged",
        durable=True,
        promise=vars(promise),
        lower=found.lower,
        upper=found.upper,
        **vars(judgement),
    )
    return {
        **vars(promise),
        "endpoint": facts.watch.instrument.name,
        "lower": found.lower,
        "upper": found.upper,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "open_because": found.open_because or "",
        "note": found.note,
        "seq": line["seq"],
        **_before_heal(promise, facts.lost),
    }


def _measured(promise: Promise, facts: Facts) -> Measured:
    if promise.kind in ("step", "claim"):
        record = next(one for one in facts.recoveries if one["step"] == promise.step)
        if promise.kind == "step":
            return Measured(*of_step(promise, record))
        window_us = facts.watch.window_us
        return Measured(*of_claim(record, facts.recovery, facts.struck.before_us, window_us))
    if promise.kind == "recovery" and promise.of:
        own = [one for one in facts.recoveries if one["step"] == promise.step]
        return Measured(*of_recoveries(own, own[0]["begun_us"]))
    if promise.kind == "recovery":
        return Measured(*of_recoveries(facts.recoveries, facts.struck.before_us))
    if promise.kind == "rto":
        recovery, unseen = facts.recovery, None
        if _unseen(facts.drill, recovery):
            unseen = Judgement("unknown", "clients noticed nothing, so no recovery was seen")
        return Measured(recovery.lower_us, recovery.upper_us, recovery.reason, "", unseen)
    return _of_loss(promise, facts.lost)


def _of_loss(promise: Promise, lost: Loss | None) -> Measured:
    if lost is None:
        uncounted = Judgement("unknown", "what survived could not be compared")
        return Measured(0, None, None, "", uncounted)
    if promise.kind == "rpo":
        return Measured(lost.lower_us, lost.upper_us, lost.open_because, _short(lost))
    return Measured(lost.count.lower, lost.count.upper, lost.open_because, _short(lost))


def _unseen(drill: Drill, recovery: Recovery) -> bool:
    """Whether no attempt failed or was slow after a fault that clients have to notice."""
    disasters = [
        step.declaration["fault"]
        for step in drill.steps
        if step.declaration["declares"] == "Disaster"
    ]
    may_be = all(drill.faults[one]["unnoticed"] for one in disasters)
    return not may_be and recovery.bad == 0 and recovery.lower_us == 0


def _before_heal(promise: Promise, lost: Loss | None) -> Json:
    """What a control may count: a loss that our own healing made proves nothing of the fault."""
    if promise.kind != "lost" or lost is None:
        return {}
    return {"before_heal": lost.lost_before + lost.lost_during}


def _short(lost: Loss) -> str:
    """What every zero must carry; the whole finding stands in the journal's line."""
    said = [f"{lost.lost:,} of {lost.acknowledged:,} lost"]
    if lost.lost_after_heal:
        said.append(f"{lost.lost_after_heal:,} of them acknowledged after our healing began")
    if lost.late_lost:
        said.append(f"{lost.late_lost:,} more acknowledged after the client had given up")
    return ", ".join([*said, f"looked back {seconds_text(lost.look_back_us)}"])
