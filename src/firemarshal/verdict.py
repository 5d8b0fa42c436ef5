"""From intervals to verdicts and exit codes: pure, so that any report can judge again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from firemarshal import duration
from firemarshal.clock import seconds_text

Judged = Literal["met", "missed", "unknown"]
STILL_DOWN = "still down"
TargetAfter = Literal["as found", "changed", "NOT CLEAN", "unknown"]


class Verdict(StrEnum):
    """What became of a drill; only the first two say something about the system."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INVALID = "INVALID"
    ABORTED = "ABORTED"
    NOT_RUN = "NOT RUN"


@dataclass(frozen=True)
class Code:
    """Why a drill says nothing about the system: a stable name, a sentence and the cure."""

    verdict: Verdict
    sentence: str
    cure: str


@dataclass(frozen=True)
class Interval:
    """A measured figure with its error bars; `upper` None means that no end was seen.

    `unit` "us" for durations, otherwise the noun that is counted ("writes").
    """

    lower: int
    upper: int | None
    unit: str = "us"

    def text(self, open_because: str = STILL_DOWN) -> str:
        """The figure as a person reads it: "4.900 to 5.200 s", "more than 6.000 s (down)"."""
        if self.upper is None:
            return f"more than {amount(self.lower, self.unit)} ({open_because})"
        low, high = amount(self.lower, self.unit), amount(self.upper, self.unit)
        if low == high:
            return high
        same_unit = low.split(" ")[1:] == high.split(" ")[1:] and low.count(" ") == 1
        return f"{low.split(' ')[0] if same_unit else low} to {high}"


@dataclass(frozen=True)
class Judgement:
    """The verdict on one objective, with the sentence that explains it."""

    verdict: Judged
    reason: str


def amount(value: int, unit: str) -> str:
    """A figure with its unit: durations as `clock.seconds_text`, counts with the noun."""
    return seconds_text(value) if unit == "us" else f"{value:,} {unit}"


def judge(
    limit: int,
    lower: int,
    upper: int | None,
    *,
    unit: str = "us",
    open_because: str = STILL_DOWN,
) -> Judgement:
    """Hold an interval against a limit: met when even its worst end is allowed.

    Equality is met: the plan says "within". An open interval from 0 means that nobody could see;
    `open_because` says why no end was seen, by default because the watch ended before.
    """
    allowed = duration.text(limit / 1_000_000) if unit == "us" else amount(limit, unit)
    measured = Interval(lower, upper, unit).text(open_because)
    if upper is not None and upper <= limit:
        return Judgement("met", f"{measured}, the plan allows {allowed}")
    if lower > limit:
        return Judgement("missed", f"{measured}, the plan allows {allowed}")
    if upper is not None:
        return Judgement("unknown", f"too close to call: {measured} of {allowed}")
    if lower == 0:
        return Judgement("unknown", f"nobody could see; the plan allows {allowed}")
    if open_because == STILL_DOWN:
        return Judgement("unknown", f"gave up at {amount(lower, unit)} of {allowed}")
    return Judgement("unknown", f"cannot be told: {measured}, the plan allows {allowed}")


def drill_verdict(objectives: Iterable[str], earlier: Verdict | None = None) -> Verdict:
    """The verdict of a drill; what ended it earlier wins, because nothing was judged fairly.

    A drill that judged nothing is INVALID: silence must never pass.
    """
    if earlier is not None:
        if earlier in (Verdict.PASSED, Verdict.FAILED):
            raise ValueError(f"a drill cannot have been {earlier} before it was judged")
        return earlier
    judged = list(objectives)
    if "missed" in judged:
        return Verdict.FAILED
    return Verdict.PASSED if judged and set(judged) == {"met"} else Verdict.INVALID


def expected(
    control: Mapping[str, Any] | None,
    verdict: Verdict,
    objectives: Sequence[Mapping[str, Any]],
    code: str = "",
) -> tuple[bool, str]:
    """Whether a drill came out as it had to, and why.

    A drill has to pass. A control (`{"verdict": "FAILED", "objective": kind, "least": n}` or
    `{"verdict": "INVALID", "code": code}`) has to come out exactly so: it must miss the named
    objective and no other, by a lower bound of `least` or more in the objective's own unit.
    `objectives` are mappings with at least id, kind, verdict and lower.
    """
    if verdict == Verdict.NOT_RUN and code == "controls-not-allowed":
        return True, "a negative control, which this target does not allow"
    if control is None:
        return verdict == Verdict.PASSED, f"{verdict}" + (f" ({code})" if code else "")
    if verdict != control["verdict"]:
        return False, f"had to be {control['verdict']}, was {verdict}" + (
            f" ({code})" if code else ""
        )
    if verdict == Verdict.INVALID:
        wanted = control["code"]
        if code != wanted:
            return False, f"had to be INVALID for {wanted!r}, was for {code!r}"
        return True, f"INVALID for {wanted!r}, as it must"
    return _failed_as_it_must(control, objectives)


def _failed_as_it_must(
    control: Mapping[str, Any], objectives: Sequence[Mapping[str, Any]]
) -> tuple[bool, str]:
    name, least = control["objective"], control["least"]
    missed = [one for one in objectives if one["verdict"] == "missed"]
    others = [one["id"] for one in missed if name not in (one["kind"], one["id"])]
    named = [one for one in missed if name in (one["kind"], one["id"])]
    if not named:
        return False, f"had to miss {name!r}, which was not missed"
    if others:
        return False, f"had to miss {name!r} only, also missed {', '.join(others)}"
    figure = min(one["lower"] for one in named)
    if figure < least:
        return False, f"had to miss {name!r} by at least {least:,}, measured {figure:,}"
    return True, f"FAILED, as it must: {name!r} at least {least:,}, measured {figure:,}"


@dataclass(frozen=True)
class Outcome:
    """What the exit code needs to know of one drill."""

    verdict: Verdict
    as_expected: bool
    target_after: TargetAfter
    control: bool = False


def exit_code(outcomes: Iterable[Outcome], *, lab: bool) -> int:
    """The exit code of a run: 20, 11, 1, 10, 12 in this order, 5 when nothing ran, else 0.

    A control with the wrong outcome counts as FAILED (the instrument is wrong), unless it was
    ABORTED. NOT RUN is an error only where the target is not a lab.
    """
    drills = list(outcomes)
    if any(one.target_after == "NOT CLEAN" for one in drills):
        return 20
    red = [
        Verdict.FAILED if one.control and one.verdict != Verdict.ABORTED else one.verdict
        for one in drills
        if not one.as_expected
    ]
    for verdict, code in ((Verdict.ABORTED, 11), (Verdict.FAILED, 1), (Verdict.INVALID, 10)):
        if verdict in red:
            return code
    if Verdict.NOT_RUN in red and not lab:
        return 12
    return 0 if any(one.verdict != Verdict.NOT_RUN for one in drills) else 5


_SENTENCE_AND_CURE: dict[Verdict, dict[str, tuple[str, str]]] = {
    Verdict.INVALID: {
        "not-healthy-before": (
            "the system was not healthy before the fault, so nothing was injected",
            "repair the system, see `firemarshal doctor`, and run the drill again",
        ),
        "aimed-at-nothing": (
            "the fault found nothing to harm",
            "check what the step names against the members in the target profile",
        ),
        "victim-changed": (
            "the victim was no longer the one aimed at, so it was left alone",
            "find out what replaced it, then run the drill again",
        ),
        "not-injected": (
            "the fault was ordered but could not be done",
            "read the fault's own message; most often a permission or an engine is missing",
        ),
        "did-not-bite": (
            "the fault was done but no proof of harm was found",
            "check by hand that this fault can harm this system at all",
        ),
        "recorder-lost": (
            "the recorder ended before the watch did, so nobody saw what happened",
            "keep the recorder out of the blast radius and its machine out of trouble",
        ),
        "noisy-baseline": (
            "before the fault the system answered too unevenly to judge a recovery",
            "take load off the system or the recorder's machine, or lower the recorder's rate",
        ),
        "target-lost": (
            "the target's own interface stopped answering, so its state could not be seen",
            "reach the interface by a way that the fault does not harm",
        ),
        "objective-unknown": (
            "an objective could not be decided by what was measured",
            "watch longer, or measure more finely; the objective's reason says which",
        ),
        "reconcile-failed": (
            "what survived could not be compared with what was acknowledged",
            "make the markers' table readable and run the drill again",
        ),
    },
    Verdict.ABORTED: {
        "signal": (
            "a signal ended the run",
            "run it again and let it finish",
        ),
        "person": (
            "a person stopped the drill",
            "run it again when the reason is gone",
        ),
        "guard": (
            "a guard refused or stopped the drill",
            "the guard names the rule and who may change it",
        ),
        "lock": (
            "another drill holds the system",
            "wait for it, or ask its holder: `firemarshal status`",
        ),
        "keeper-lost": (
            "the keeper died, and a new one healed",
            "look for what killed it (memory, a host), then run again",
        ),
        "runner-lost": (
            "the runner died, and the keeper healed",
            "look for what killed it, then run again",
        ),
        "defect": (
            "firemarshal itself went wrong",
            "report it with the run folder",
        ),
        "not-judged": (
            "the runner ended the drill before it was judged",
            "run it again and let it finish",
        ),
        "not-clean": (
            "an earlier fault could not be healed on this system",
            "`firemarshal heal`, or the shell line that `firemarshal status` prints",
        ),
    },
    Verdict.NOT_RUN: {
        "no-fault-for-kind": (
            "no fault of this name can harm a system of this kind",
            "write one (`firemarshal new fault`), or drill a system of another kind",
        ),
        "lab-not-available": (
            "the lab that the drill needs cannot be made on this machine",
            "`firemarshal doctor` says what is missing",
        ),
        "fault-still-stands": (
            "a fault of another drill still stands, so no other was begun",
            "`firemarshal heal`, then run again",
        ),
        "not-reached": (
            "the run ended before it came to this drill",
            "run it again",
        ),
        "controls-not-allowed": (
            "a negative control, and the target does not allow them",
            "run it on a lab: `negative_controls = true` is for labs only",
        ),
    },
}

CODES = {
    code: Code(verdict, *texts)
    for verdict, codes in _SENTENCE_AND_CURE.items()
    for code, texts in codes.items()
}
