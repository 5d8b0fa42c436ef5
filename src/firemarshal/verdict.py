"""From intervals to verdicts and exit codes: pure, so that any report can judge again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from firemarshal import duration
from firemarshal.clock import seconds_text
from firemarshal.codes import CODES as CODES
from firemarshal.codes import Code as Code
from firemarshal.codes import Verdict as Verdict

Judged = Literal["met", "missed", "unknown"]
STILL_DOWN = "still down"
TargetAfter = Literal["as found", "changed", "NOT CLEAN", "unknown"]


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
    figure, unit = min((one.get("before_heal", one["lower"]), one.get("unit", "")) for one in named)
    told = f"{amount(least, unit).rstrip()}, measured {amount(figure, unit).rstrip()}"
    if figure < least:
        return False, f"had to miss {name!r} by at least {told}"
    return True, f"FAILED, as it must: {name!r} at least {told}"


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
