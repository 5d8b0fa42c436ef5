"""Tags of features: a closed list, because a misspelt one would select or promise nothing."""

import re
from collections.abc import Iterable
from typing import Any

from firemarshal import gherkin
from firemarshal.bad_input import BadInput, Mistakes, did_you_mean
from firemarshal.kinds import homes
from firemarshal.target import Target
from firemarshal.verdict import CODES, Verdict

FREQUENCIES = ("daily", "weekly", "monthly", "quarterly", "yearly")
OBJECTIVES = ("rto", "rpo", "lost", "recovery", "claim")
COUNTED = ("lost", "claim")
PLAN = re.compile(r"plan:(?P<clause>.+)$")
MUST_FAIL = re.compile(r"must-fail:(?P<objective>[a-z]+)>=(?P<least>\d+)$")
MUST_BE_INVALID = re.compile(r"must-be-invalid:(?P<code>[a-z-]+)$")
FORMS = ("plan:DS-1a", "must-fail:lost>=150", "must-be-invalid:did-not-bite")


def known(own: Iterable[str], target: Target) -> list[str]:
    """The plain tags: kinds of systems, frequencies, and what project and profile name."""
    kinds = sorted({*homes(), *(one.kind for one in target.systems)})
    return list(dict.fromkeys((*kinds, *FREQUENCIES, *own, *target.tags, "destructive")))


def clauses(scenario: gherkin.Scenario, words: Iterable[str]) -> tuple[str, ...]:
    """The clauses that a scenario's tags name; BadInput for every tag that says nothing."""
    plain, mistakes = tuple(words), Mistakes()
    found = []
    for tag in sorted(scenario.tags):
        if named := PLAN.match(tag):
            found.append(named["clause"])
        elif not (tag in plain or MUST_FAIL.match(tag) or MUST_BE_INVALID.match(tag)):
            mistakes.note(
                f"unknown tag @{tag}",
                where=scenario.tagged(tag),
                cure=_near(tag, plain) or "name it in [tool.firemarshal] tags",
            )
    mistakes.tell()
    return tuple(found)


def control(scenario: gherkin.Scenario, judged: Iterable[str]) -> dict[str, Any] | None:
    """What must come out of a negative control; None for a drill. `judged` kinds of objective."""
    controls = [
        one for tag in sorted(scenario.tags) if (one := _control(scenario, tag, sorted(judged)))
    ]
    if len(controls) > 1:
        raise BadInput(
            "a control can have one outcome only",
            where=f"{scenario.file}:{scenario.line}",
            cure="keep one of its tags",
        )
    return controls[0] if controls else None


def _control(scenario: gherkin.Scenario, tag: str, judged: list[str]) -> dict[str, Any] | None:
    if found := MUST_FAIL.match(tag):
        kind = found["objective"]
        if kind not in judged:
            raise BadInput(
                f"@{tag} names an objective that no Then judges",
                where=scenario.tagged(tag),
                cure=f"judged here: {', '.join(judged)}",
            )
        least = int(found["least"]) * (1 if kind in COUNTED else 1_000_000)
        return {"verdict": "FAILED", "objective": kind, "least": least}
    if found := MUST_BE_INVALID.match(tag):
        codes = [name for name, code in CODES.items() if code.verdict is Verdict.INVALID]
        if found["code"] not in codes:
            raise BadInput(
                f"@{tag} names no code of an INVALID drill",
                where=scenario.tagged(tag),
                cure=did_you_mean(found["code"], codes) or f"known codes: {', '.join(codes)}",
            )
        return {"verdict": "INVALID", "code": found["code"]}
    return None


def _near(tag: str, plain: tuple[str, ...]) -> str:
    if tag.startswith("must-fail"):
        return f"write @must-fail:KIND>=LEAST in seconds or counts, KIND {' or '.join(OBJECTIVES)}"
    return did_you_mean(tag, (*plain, *FORMS))
