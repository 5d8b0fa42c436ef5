"""What came out of a drill: judged from what was measured, written so that others can judge."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from firemarshal.clock import seconds_text
from firemarshal.drill import Drill, Promise
from firemarshal.journal import Journal
from firemarshal.keeper.hands import Injection
from firemarshal.keeper.order import Order
from firemarshal.keeper.watch import Watch
from firemarshal.loss import Loss
from firemarshal.recovery import Recovery
from firemarshal.verdict import Judgement, Verdict, drill_verdict, expected, judge

Json = dict[str, Any]


@dataclass
class Result:
    """Grows while the drill runs; what ended it first is what it ended with."""

    order: Order
    drill: Drill
    verdict: str = ""
    code: str = ""
    why: str = ""
    injected: bool = False
    promises: list[Json] = field(default_factory=list)
    standing: dict[str, list[str]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)
    phases: list[Json] = field(default_factory=list)
    reconciled: bool = True
    after_by_system: dict[str, Json] = field(default_factory=dict)

    def end(self, verdict: str, code: str, why: str) -> None:
        """Note what ended the drill; a later reason never replaces the first."""
        if not self.code:
            self.verdict, self.code, self.why = verdict, code, why

    def conclude(self) -> None:
        """The verdict from the objectives, unless something ended the drill before."""
        earlier = Verdict(self.verdict) if self.code else None
        if earlier is None and not self.promises:
            self.end("ABORTED", "not-judged", "the runner ended the drill before it was judged")
            earlier = Verdict.ABORTED
        self.verdict = drill_verdict([one["verdict"] for one in self.promises], earlier)
        if self.verdict == Verdict.PASSED and self.target_after[0] == "unknown":
            why = "; ".join(self.target_after[1])
            self.end("INVALID", "target-lost", f"nobody could see what the drill left: {why}")
            return
        if earlier is None:
            self.why = "; ".join(
                f"{one['text']}: {one['reason']}" for one in self.promises if _tells(one, self)
            )
            if self.verdict == Verdict.INVALID:
                self.code = "objective-unknown" if self.reconciled else "reconcile-failed"

    def of_step(self, number: int) -> Json:
        """What the runner is told after a step."""
        if self.code:
            return {"ok": False, "why": f"{self.verdict} ({self.code}): {self.why}"}
        judged = [one for one in self.promises if one["step"] == number]
        bad = [one for one in judged if one["verdict"] != "met"]
        why = "; ".join(f"{one['verdict']}: {one['reason']}" for one in bad or judged)
        return {"ok": not bad, "why": why}

    def after(
        self,
        system: str,
        before: Json | None,
        after: Json | None,
        healthy: bool | None,
        why: list[str],
    ) -> None:
        """What the drill leaves on a system: first its health, then what differs from before."""
        text: list[str]
        if healthy is False:
            state, text = "NOT CLEAN", why
        elif not healthy:
            state, text = "unknown", why
        elif before is None or after is None:
            state, text = "unknown", [f"{system} is healthy, but there is nothing to compare with"]
        else:
            text = differences(before, after)
            state = "changed" if text else "as found"
        self.after_by_system[system] = {"state": state, "why": text}

    @property
    def _standing(self) -> list[str]:
        told = [f"{system}: {one}" for system, found in self.standing.items() for one in found]
        return told or [f"{one}: its healing was not proved" for one in self.unproved]

    @property
    def target_after(self) -> tuple[str, list[str]]:
        """The worst of all systems, and the reasons; faults that stand outrank everything."""
        stands = [*self._standing, *self.left]
        if stands:
            return "NOT CLEAN", stands
        for state in ("NOT CLEAN", "unknown", "changed"):
            found = [one["why"] for one in self.after_by_system.values() if one["state"] == state]
            if found:
                return state, [line for lines in found for line in lines]
        return "as found", []

    def as_json(self) -> Json:
        """The form of journal, verdict.json and summary."""
        state, why = self.target_after
        as_expected, expectation = expected(
            self.drill.control, Verdict(self.verdict), self.promises, self.code
        )
        if state == "NOT CLEAN":
            as_expected, expectation = False, f"{expectation}, but the target is NOT CLEAN"
        return {
            "verdict": str(self.verdict),
            "code": self.code,
            "why": self.why,
            "as_expected": as_expected,
            "expectation": expectation,
            "injected": self.injected,
            "target_after": state,
            "target_after_why": why,
            "standing": self._standing,
            "promises": self.promises,
            "phases": self.phases,
            "faults": list(self.drill.faults),
        }

    def write(self, journal: Journal) -> None:
        """Leave `verdict.json` beside the journal, for the runner or whoever comes after it."""
        whole = {**self.as_json(), "drill": self.drill.as_json(), "journal_head": journal.head}
        path = self.order.path / "verdict.json"
        new = path.with_suffix(".new")
        new.write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
        new.replace(path)


def judged(
    drill: Drill, journal: Journal, watch: Watch, struck: Injection, reconciled: Json | None
) -> list[Json]:
    """Every promise judged, all of them before the first one is reported."""
    recovery = watch.measured(struck)
    journal.note("measured", durable=True, kind="rto", **vars(recovery))
    lost = watch.lost(struck, reconciled) if reconciled is not None else None
    if lost is not None:
        journal.note("measured", durable=True, kind="loss", text=lost.text(), **vars(lost))
    return [_judged(drill, one, journal, watch, recovery, lost) for one in drill.promises]


def _unseen(drill: Drill, recovery: Recovery) -> bool:
    """Whether no attempt failed or was slow after a fault that clients have to notice."""
    disasters = [
        step.declaration["fault"]
        for step in drill.steps
        if step.declaration["declares"] == "Disaster"
    ]
    may_be = all(drill.faults[one]["unnoticed"] for one in disasters)
    return not may_be and recovery.bad == 0 and recovery.lower_us == 0


def _judged(
    drill: Drill,
    promise: Promise,
    journal: Journal,
    watch: Watch,
    recovery: Recovery,
    lost: Loss | None,
) -> Json:
    lower, upper, open_because, note = _measured(promise, recovery, lost)
    if open_because is None:
        judgement = Judgement("unknown", "what survived could not be compared")
    elif promise.kind == "rto" and _unseen(drill, recovery):
        judgement = Judgement("unknown", "clients noticed nothing, so no recovery was seen")
    else:
        judgement = judge(
            promise.limit,
            lower,
            upper,
            unit=promise.unit,
            open_because=open_because,
        )
    line = journal.note(
        "judged", durable=True, promise=vars(promise), lower=lower, upper=upper, **vars(judgement)
    )
    return {
        **vars(promise),
        "endpoint": watch.instrument.name,
        "lower": lower,
        "upper": upper,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "open_because": open_because or "",
        "note": note,
        "seq": line["seq"],
        **_before_heal(promise, lost),
    }


def _before_heal(promise: Promise, lost: Loss | None) -> Json:
    """What a control may count: a loss that our own healing made proves nothing of the fault."""
    if promise.kind != "lost" or lost is None:
        return {}
    return {"before_heal": lost.lost_before + lost.lost_during}


def _measured(
    promise: Promise, recovery: Recovery, lost: Loss | None
) -> tuple[int, int | None, str | None, str]:
    """Lower and upper end, why an end is open, and what every figure must carry along."""
    if promise.kind == "rto":
        return recovery.lower_us, recovery.upper_us, recovery.reason, ""
    if lost is None:
        return 0, None, None, ""
    if promise.kind == "rpo":
        return lost.lower_us, lost.upper_us, lost.open_because, _short(lost)
    return lost.count.lower, lost.count.upper, lost.open_because, _short(lost)


def _short(lost: Loss) -> str:
    """What every zero must carry; the whole finding stands in the journal's line."""
    looked = f"looked back {seconds_text(lost.look_back_us)}"
    return f"{lost.lost:,} of {lost.acknowledged:,} lost, {looked}"


def differences(before: Any, after: Any, name: str = "") -> list[str]:
    """What changed between two captures, as "leader: orders-1 -> orders-2"."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted({*before, *after})
        return [
            line
            for key in keys
            for line in differences(
                before.get(key, "nothing"), after.get(key, "nothing"), f"{name}.{key}".strip(".")
            )
        ]
    return [] if before == after else [f"{name}: {before} -> {after}"]


def _tells(promise: Json, result: Result) -> bool:
    return promise["verdict"] != "met" or result.verdict == Verdict.PASSED
