"""What came out of a drill: judged from what was measured, written so that others can judge."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from firemarshal.drill import Drill
from firemarshal.journal import Journal
from firemarshal.keeper.order import Order
from firemarshal.secrets import hidden
from firemarshal.verdict import Verdict, drill_verdict, expected

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
    recoveries: list[Json] = field(default_factory=list)
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
        first_then = next(n for n, one in enumerate(self.drill.steps) if one.keyword == "then")
        judged = [
            one for one in self.promises if max(one["step"], first_then) == number
        ]  # what a When promised can be told by the first Then only
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
            "recoveries": self.recoveries,
            "faults": list(self.drill.faults),
        }

    def write(self, journal: Journal) -> None:
        """Leave `verdict.json` beside the journal, for the runner or whoever comes after it."""
        whole = {
            **hidden(self.as_json()),
            "drill": self.drill.as_json(),
            "journal_head": journal.head,
        }
        path = self.order.path / "verdict.json"
        new = path.with_suffix(".new")
        new.write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
        new.replace(path)


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
