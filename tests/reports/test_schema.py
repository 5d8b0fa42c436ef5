"""summary.json is what its published schema says, for every verdict that a run can give."""

from typing import Any

import pytest
from schemas import SCHEMA, problems
from toy_project import ToyProject


def test_a_run_with_every_verdict_is_as_the_schema_says(
    every_verdict: ToyProject, interrupted: ToyProject
) -> None:
    both = [every_verdict.summary(), interrupted.summary()]
    assert [text for one in both for text in problems(one, SCHEMA)] == []
    verdicts = {drill["verdict"] for one in both for drill in one["drills"]}
    assert verdicts == set(SCHEMA["$defs"]["drill"]["properties"]["verdict"]["enum"])


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("schema",), "firemarshal/summary/2"),
        (("exit_code",), 7),
        (("drills", 0, "verdict"), "passed"),
        (("drills", 0, "as_expected"), 1),
        (("drills", 0, "objectives", 0, "upper"), 1.5),
        (("drills", 0, "objectives", 0, "lower"), -1),
        (("drills", 0, "sha256"), ""),
        (("drills", 2, "expected"), {"verdict": "PASSED"}),
        (("drills", 0, "surprise"), 1),
    ],
)
def test_what_is_not_allowed_is_refused(
    every_verdict: ToyProject, path: tuple[str | int, ...], wrong: object
) -> None:
    summary: Any = every_verdict.summary()
    place = summary
    for one in path[:-1]:
        place = place[one]
    place[path[-1]] = wrong
    assert problems(summary, SCHEMA)


def test_a_key_that_is_gone_is_told(every_verdict: ToyProject) -> None:
    summary = every_verdict.summary()
    del summary["drills"][0]["target_after"]
    assert problems(summary, SCHEMA) == ["$.drills[0]: target_after is missing"]
