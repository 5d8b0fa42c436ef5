"""What cannot be drilled is refused at collection, on its line, with the cure, all at once."""

from typing import Any

import pytest

from firemarshal.verdict import CODES, Verdict

HEALTHY = '"toy" is healthy\n    And clients write steadily'
NAMES = "features/one.feature"
INVALID = ", ".join(name for name, code in CODES.items() if code.verdict is Verdict.INVALID)

REFUSED: dict[str, tuple[str | dict[str, str], list[str]]] = {
    "unknown step": (
        {"when": '"toy" refuses every requst for 1 second'},
        [
            f"{NAMES}:6: no When step reads '\"toy\" refuses every requst for 1 second'; "
            "did you mean '\"{system}\" refuses every request for {time:Duration}'?"
        ],
    ),
    "unknown system, told once": (
        {"given": '"toi" is healthy\n    And clients write steadily to "toi"'},
        [
            f"{NAMES}:4: target 'toy' has no system 'toi'; did you mean 'toy'?",
        ],
    ),
    "harmed and not checked": (
        {"given": 'clients write steadily to "toy"\n    And nobody restarts "toy"'},
        [
            f"{NAMES}:3: no Given checks that the system is healthy before it is harmed; "
            "add such a step",
        ],
    ),
    "no health": (
        {"given": 'clients write steadily to "toy"'},
        [
            f"{NAMES}:3: no Given checks that the system is healthy before it is harmed; "
            "add such a step"
        ],
    ),
    "no disaster and no promise": (
        {"when": "", "then": ""},
        [
            f"{NAMES}:3: no When says what goes wrong, or what is done about it; add such a step",
            f"{NAMES}:3: no Then judges anything, so it could not fail; add such a step",
        ],
    ),
    "Then before When": (
        "Feature: shop\n\n  Scenario: it breaks\n"
        f"    Given {HEALTHY}\n    Then writes return within 3 seconds\n"
        '    When "toy" refuses every request for 1 second\n',
        [f"{NAMES}:7: a When comes after a Then; one disaster a scenario: split it in two"],
    ),
    "two disasters": (
        {"when": '"toy" refuses every request\n    And the process of "toy" is killed'},
        [
            f"{NAMES}:7: 2 disasters in one scenario; T0 can belong to one only; "
            "split it, or write the composite as one fault"
        ],
    ),
    "judged and not seen": (
        {"given": '"toy" is healthy'},
        [
            f"{NAMES}:3: 'toy' is judged but no clients write to it, so nobody could see; "
            "add: And clients write steadily"
        ],
    ),
    "nobody says which system": (
        {"given": "clients write steadily", "when": "", "then": ""},
        [
            f"{NAMES}:4: 'clients write steadily' does not say which system, and the scenario "
            "names 0 (none); name the system in quotes"
        ],
    ),
    "a fault that stands too long": (
        {"when": '"toy" refuses every request for 20 minutes'},
        [
            f"{NAMES}:6: '\"toy\" refuses every request for 20 minutes' would stand for 20 min, "
            "target 'toy' allows 15 min; say less, or raise max_hold_s in the profile"
        ],
    ),
    "a bad value": (
        {"when": '"toy" refuses every request for 5 parsecs'},
        [
            f"{NAMES}:6: '\"toy\" refuses every request for 5 parsecs' cannot be read: "
            "'5 parsecs' is not a duration, write "
            '"5 minutes", "90 s", "1 h 30 min", "250 ms", "2 days", "1 week" or "0"'
        ],
    ),
    "a fault that stands for no time": (
        {"when": '"toy" refuses every request for 0'},
        [
            f"{NAMES}:6: step '\"{{system}}\" refuses every request for {{time:Duration}}' broke: "
            "ValueError: hold_us is 0; a fault held for no time would prove nothing; "
            "repair it in {refuses}"
        ],
    ),
    "unknown tags": (
        {"tags": "@nul @quartely @whatever @must-fail:lost>150"},
        [
            f"{NAMES}:2: unknown tag @must-fail:lost>150; "
            "write @must-fail:KIND>=LEAST in seconds or counts, "
            "KIND rto or rpo or lost or recovery or claim",
            f"{NAMES}:2: unknown tag @nul; did you mean 'null'?",
            f"{NAMES}:2: unknown tag @quartely; did you mean 'quarterly'?",
            f"{NAMES}:2: unknown tag @whatever; name it in [tool.firemarshal] tags",
        ],
    ),
    "unknown clause": (
        {"tags": "@plan:SH-9"},
        [
            f"{NAMES}:2: no plan has a clause 'SH-9' (2 clauses are known); "
            "did you mean 'SH-2' or 'SH-1'?"
        ],
    ),
    "looser than its clause": (
        {"tags": "@plan:SH-1", "then": "writes return within 4 s"},
        [
            f"{NAMES}:7: 'writes return within 4 s' says 4.000 s, clause SH-1 promises 3.000 s; "
            "a drill may be stricter than its plan, never looser"
        ],
    ),
    "as the plan promises, without a plan": (
        {"then": "writes return as the plan promises"},
        [
            f"{NAMES}:7: 'writes return as the plan promises', but no @plan tag names one; "
            "tag the scenario with @plan:ID, or say the number"
        ],
    ),
    "as the plan promises, which it does not": (
        {"tags": "@plan:SH-2", "then": "writes return as the plan promises"},
        [
            f"{NAMES}:7: 'writes return as the plan promises', but clause SH-2 promises no rto; "
            "tag the scenario with @plan:ID, or say the number"
        ],
    ),
    "a control of what is not judged": (
        {"tags": "@must-fail:lost>=5"},
        [f"{NAMES}:2: @must-fail:lost>=5 names an objective that no Then judges; judged here: rto"],
    ),
    "a control with an unknown code": (
        {"tags": "@must-be-invalid:did-not-bit"},
        [
            f"{NAMES}:2: @must-be-invalid:did-not-bit names no code of an INVALID drill; "
            "did you mean 'did-not-bite'?"
        ],
    ),
    "a control with a code of another verdict": (
        {"tags": "@must-be-invalid:signal"},
        [
            f"{NAMES}:2: @must-be-invalid:signal names no code of an INVALID drill; "
            f"known codes: {INVALID}",
        ],
    ),
    "a control of two minds": (
        {"tags": "@must-be-invalid:did-not-bite @must-fail:rto>=1"},
        [f"{NAMES}:3: a control can have one outcome only; keep one of its tags"],
    ),
    "a table that no step wants": (
        {"given": f"{HEALTHY}\n      | a | table |"},
        [
            f"{NAMES}:5: step 'clients write steadily' broke: TypeError: "
            "_() got an unexpected keyword argument 'datatable'; repair it in {clients}"
        ],
    ),
    "all of it at once": (
        "@odd\nFeature: shop\n\n  Scenario: one\n    Given pigs fly\n    When cows fly\n\n"
        "  Scenario: one\n    Given nothing\n\n  Scenario: two\n\n"
        "  Scenario Outline: three\n"
        f"    Given {HEALTHY}\n"
        '    When "toy" refuses every request for <time>\n    Then writes return within 3 s\n'
        "    Examples:\n      | time |\n      | 1 s |\n      | 1 sec |\n      | soon |\n",
        [
            f"{NAMES}:8: scenario 'one' stands twice, first in line 4; "
            "rename one: pytest-bdd would drop the first without a word",
            f"{NAMES}:11: scenario 'two' has no steps; add some",
            f"{NAMES}:1: unknown tag @odd; name it in [tool.firemarshal] tags",
            f"{NAMES}:9: no Given step reads 'nothing'; `firemarshal steps` lists them all",
            f"{NAMES}:16: no When step reads '\"toy\" refuses every request for soon'; "
            "did you mean '\"{system}\" refuses every request for {time:Duration}'?",
        ],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_refused_on_its_line_with_its_cure(repo: Any, case: str) -> None:
    given, said = REFUSED[case]
    text = given if isinstance(given, str) else repo.drill(**given)
    words = repo.house().vocabulary
    for name, keyword, sentence in (
        ("{clients}", "given", "clients write steadily"),
        ("{refuses}", "when", '"toy" refuses every request for 1 s'),
    ):
        place, _, line = words.find(keyword, sentence, "")[0].short.rpartition(":")
        told = f"{place}:{line if name == '{clients}' else int(line) + 2}"
        said = [one.replace(name, told) for one in said]
    assert repo.refused(text) == said
    assert repo.untouched()


def test_a_control_is_what_its_tag_says(repo: Any) -> None:
    (seconds,) = repo.compiled(repo.drill(tags="@must-fail:rto>=5"))
    (writes,) = repo.compiled(
        repo.drill(tags="@must-fail:lost>=5", then="no acknowledged write is lost")
    )
    (invalid,) = repo.compiled(repo.drill(tags="@must-be-invalid:did-not-bite"))
    assert seconds.control == {"verdict": "FAILED", "objective": "rto", "least": 5_000_000}
    assert writes.control == {"verdict": "FAILED", "objective": "lost", "least": 5}
    assert invalid.control == {"verdict": "INVALID", "code": "did-not-bite"}


def test_tags_of_the_project_and_of_the_profile_are_known(repo: Any) -> None:
    repo.write("pyproject.toml", '[tool.firemarshal]\ntags = ["night", "야간"]\n')
    profile = (repo.root / "targets/toy.toml").read_text()
    repo.write("targets/toy.toml", 'tags = ["rack-7"]\n' + profile)
    (drill,) = repo.compiled(repo.drill(tags="@night @야간 @rack-7 @null @destructive @weekly"))
    assert drill.tags == ("destructive", "night", "null", "rack-7", "weekly", "야간")


def test_what_a_target_does_not_allow_or_cannot_suffer_is_not_run_and_says_why(repo: Any) -> None:
    profile = (repo.root / "targets/toy.toml").read_text()
    repo.write("targets/toy.toml", profile.replace("negative_controls = true", ""))
    (control,) = repo.compiled(repo.drill(tags="@must-fail:rto>=5"))
    (other,) = repo.compiled(repo.drill(when='the primary of "toy" is killed'))
    assert control.not_run == {
        "code": "controls-not-allowed",
        "why": "a negative control; target 'toy' does not allow them",
    }
    assert other.not_run == {
        "code": "no-fault-for-kind",
        "why": "postgres.kill_primary cannot harm 'toy', which is of kind 'null'",
    }


def test_a_scenario_of_two_systems_says_which_is_which(repo: Any) -> None:
    profile = (repo.root / "targets/toy.toml").read_text()
    repo.write(
        "targets/toy.toml", profile + '[[systems]]\nname = "other"\nkind = "null"\nlab = "null"\n'
    )
    given = '"toy" is healthy\n    And "other" is healthy\n    And clients write steadily to "toy"'
    assert repo.refused(repo.drill(given=given)) == [
        f"{NAMES}:8: 'writes return within 3 seconds' does not say which system, and the scenario "
        "names 2 (toy, other); name the system in quotes"
    ]


OWN = """
name = "toy"
environment = "staging"

[[systems]]
name = "shop"
kind = "postgres"
client = "dbname=shop user=shop"
operator = "dbname=shop user=looks"
identity = { system_identifier = "1" }
members = [{ name = "a", address = "127.0.0.1", port = 1, data_directory = "/nowhere" }]
"""
LINK = """
[[systems.links]]
name = "a to b"
upstream = "a"
downstream = "b"
engine = "proxy"
control = "127.0.0.1:1"
"""


@pytest.mark.parametrize(("links", "code"), [("", "no-engine"), (LINK, "")])
def test_a_fault_that_needs_an_engine_is_not_run_without_one(
    repo: Any, links: str, code: str
) -> None:
    repo.write("targets/toy.toml", OWN + links)
    text = repo.drill(
        given='"shop" is healthy\n    And clients write steadily\n'
        '    And the replication link of "shop" is cut',
        when='the primary of "shop" is killed',
    )
    (drill,) = repo.compiled(text)
    assert (drill.not_run or {"code": ""})["code"] == code


@pytest.mark.parametrize(("clock", "code"), [("", "no-engine"), ("/c", "")])
def test_a_clock_that_cannot_be_moved_is_not_run(repo: Any, clock: str, code: str) -> None:
    repo.write("targets/toy.toml", OWN.replace('"/nowhere"', f'"/nowhere", clock = "{clock}"'))
    text = repo.drill(
        given='"shop" is healthy\n    And clients write steadily',
        when='the clock of the primary of "shop" jumps 1 hour ahead',
    )
    (drill,) = repo.compiled(text)
    assert (drill.not_run or {"code": ""})["code"] == code
