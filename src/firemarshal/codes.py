"""Verdicts, and the stable codes that say why a drill says nothing about the system."""

from dataclasses import dataclass
from enum import StrEnum


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
        "stop-condition": (
            "a stop condition of the profile held",
            "see what it watches, and run again when that is calm",
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
        "max-hold": (
            "the fault stood for as long as the profile allows, so it was healed",
            "raise max_hold_s, or find out why the drill took so long",
        ),
        "not-clean": (
            "an earlier fault could not be healed on this system",
            "`firemarshal heal`, or the shell line that `firemarshal status` prints",
        ),
    },
    Verdict.NOT_RUN: {
        "no-fault-for-kind": (
            "no fault of this name can harm a system of this kind",
            "write one (docs/add-a-fault.md), or drill a system of another kind",
        ),
        "no-engine": (
            "the fault works through an engine, such as a proxy, that this system does not have",
            "drill it on the lab, which has one, or name a link with an engine in the profile",
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
