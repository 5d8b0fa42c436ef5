"""The plugin in a pytest of its own: asleep without a target, and an ordinary citizen with one."""

import json
import signal
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

STEPS = """
from pytest_bdd import given, parsers, then

cart = []


@given("clients write steadily")
def _():
    cart.append("steadily")


@given(parsers.parse('"{system}" is healthy'))
def _(system):
    cart.append(system)


@then("the cart holds both")
def _():
    assert cart == ["toy", "steadily"]
"""
ORDINARY = """
from pytest_bdd import scenarios

scenarios("shop.feature")


def test_plain(tmp_path):
    assert tmp_path.is_dir()
"""
SHOP = """
Feature: an ordinary one, whose words are ours by chance
  @slow
  Scenario: shopping
    Given "toy" is healthy
    And clients write steadily
    Then the cart holds both
"""
SPY = """
import json
import signal
import sys

NAMES = ("scenario", "steps", "parser", "feature", "plugin", "compat", "utils", "hooks")

def snapshot():
    import pytest_bdd
    modules = [pytest_bdd, *(sys.modules.get(f"pytest_bdd.{name}") for name in NAMES)]
    return {
        "signals": {one.name: str(signal.getsignal(one))[:30] for one in signal.Signals},
        "pytest_bdd": {
            f"{module.__name__}.{name}": f"{getattr(one, '__module__', '')}."
            f"{getattr(one, '__qualname__', type(one).__name__)}"
            for module in modules if module
            for name, one in sorted(vars(module).items())
        },
    }

def pytest_configure(config):
    print("spied:", json.dumps(snapshot()))

def pytest_sessionfinish(session):
    ours = sorted(name for name in sys.modules if name.startswith("firemarshal"))
    print("\\nspied:", json.dumps({**snapshot(), "ours": ours}))
"""
KOREAN_WORDS = """
from pytest_bdd import given, parsers, then, when

from firemarshal.declare import Disaster, Healthy, Load, Objective


@given(parsers.parse('"{이름}"이 건강하다'))
def _(이름: str) -> Healthy:
    return Healthy(system=이름)


@given("고객이 쓰고 있다")
def _() -> Load:
    return Load()


@when(parsers.parse('"{이름}"이 {초:d}초 동안 거절한다'))
def _(이름: str, 초: int) -> Disaster:
    return Disaster(
        system=이름, fault="shop.refuse", hold_us=초 * 1_000_000, arguments={"name": "fault.refuse"}
    )


@then(parsers.parse("{초:d}초 안에 돌아온다"))
def _(초: int) -> Objective:
    return Objective(kind="rto", limit=초 * 1_000_000)
"""
KOREAN = """# language: ko
@야간
기능: 주문 서버
  시나리오 개요: 서버가 잠깐 거절한다
    조건 "toy"이 건강하다
    그리고 고객이 쓰고 있다
    만일 "toy"이 <초>초 동안 거절한다
    그러면 3초 안에 돌아온다

    예:
      | 초 |
      | 1  |
"""
OWN_FAULT = '''
"""A stranger's fault: the file that makes the toy refuse."""

from pathlib import Path

from firemarshal.fault import Fault

FAULT = Fault(kinds=("null",), does="refuses", lasts="until healed")


def aim(configuration, name):
    return [
        {
            "id": one["name"],
            "name": one["name"],
            "before": {},
            "found": {"path": f"{one['folder']}/{name}"},
        }
        for one in configuration["system"]["members"]
    ]


def inject(victims, configuration):
    for one in victims:
        Path(one["found"]["path"]).touch()


def bit(victims, configuration):
    return {"bit": all(Path(one["found"]["path"]).exists() for one in victims), "seen": "the files"}


def heal(victims, configuration):
    for one in victims:
        Path(one["found"]["path"]).unlink(missing_ok=True)
    return []
'''
VERDICTS = """@null
Feature: every verdict

  Background:
    Given clients write steadily to "toy"

  Scenario: it comes back
    Given "toy" is healthy
    When "toy" refuses every request for 1 second
    Then writes return within 1 minute

  @must-fail:lost>=10
  Scenario: it forgets
    Given "toy" is healthy
    When "toy" forgets what it acknowledges for 1 second
    Then no acknowledged write is lost

  Scenario: it is too slow
    Given "toy" is healthy
    When "toy" refuses every request for 1 second
    Then writes return within 500 ms
    And no acknowledged write is lost

  Scenario: it is ill already
    Given "toy" refuses requests already
    And "toy" is healthy
    When the process of "toy" is killed
    Then writes return within 1 minute

  Scenario: it is no database
    Given "toy" is healthy
    When the primary of "toy" is killed
    Then writes return within 1 minute

  Scenario: it is stopped
    Given "toy" is healthy
    When "toy" refuses every request for 1 minute
    Then writes return within 1 minute

  Scenario: it is never reached
    Given "toy" is healthy
    When "toy" refuses every request for 1 second
    Then writes return within 1 minute
"""


@pytest.fixture
def beside(repo: Any) -> Any:
    """A drill and an ordinary suite in one folder."""
    repo.write("suite/conftest.py", STEPS)
    repo.write("suite/test_shop.py", ORDINARY)
    repo.write("suite/shop.feature", SHOP)
    repo.write("suite/drill.feature", repo.drill())
    repo.write("spy.py", SPY)
    return repo


def spied(output: str) -> list[dict[str, Any]]:
    return [
        json.loads(line.partition("spied: ")[2])
        for line in output.splitlines()
        if "spied: " in line
    ]


def test_without_a_target_nothing_is_collected_handled_or_patched(beside: Any) -> None:
    with_us, without_us = (
        beside.pytest("suite", "-p", "spy", "-s", "-v", *words, PYTHONPATH=".")
        for words in ([], ["-p", "no:firemarshal"])
    )
    for done in (with_us, without_us):
        assert done.returncode == 0, done.stdout + done.stderr
        assert "2 passed" in done.stdout and "drill.feature" not in done.stdout
    (start, end), (start_alone, end_alone) = spied(with_us.stdout), spied(without_us.stdout)
    ours = end.pop("ours")
    assert end_alone.pop("ours") == []
    assert (start, end) == (start_alone, end_alone)
    assert start["signals"] == end["signals"]
    assert len(start["pytest_bdd"]) > 100, "the spy looks at something"
    assert ours == ["firemarshal", "firemarshal.bad_input", "firemarshal.plugin"]
    assert beside.untouched()


def test_a_stranger_s_words_and_faults_are_drilled_beside_an_ordinary_suite(beside: Any) -> None:
    """Korean words, an own fault, pytest-randomly, and an ordinary suite that is left alone."""
    beside.write("words/__init__.py", "")
    beside.write("words/korean.py", KOREAN_WORDS)
    beside.write("faults/shop/refuse.py", OWN_FAULT)
    beside.write("suite/drill.feature", KOREAN)
    beside.write(
        "pyproject.toml",
        '[tool.firemarshal]\nsteps = ["words"]\nfaults = ["faults"]\ntags = ["야간"]\n'
        'features = ["suite/drill.feature"]\n',
    )
    name = "suite/drill.feature::test_서버가_잠깐_거절한다[1]"
    listed = beside.pytest(
        "suite", "--target", "toy", "-m", "야간", "-k", "잠깐", "--collect-only", "-q"
    )
    assert [line for line in listed.stdout.splitlines() if "::" in line] == [name]
    done = beside.python(
        "import sys, pytest; sys.exit(pytest.main(['suite', '-v', '--target', 'toy']))",
        PYTEST_ADDOPTS="--randomly-seed=7",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{name}" in done.stdout and "3 passed" in done.stdout
    assert "Using --randomly-seed=7" in done.stdout
    (verdict,) = verdicts(beside.root)
    assert verdict["verdict"] == "PASSED" and verdict["target_after"] == "as found"
    assert verdict["drill"]["faults"]["shop.refuse"]["module"] == "faults.shop.refuse"
    assert verdict["drill"]["row"] == "1"
    assert left(beside.root) == []


def verdicts(root: Path) -> list[dict[str, Any]]:
    found = sorted((root / "runs/latest/").glob("*/verdict.json"))
    return [json.loads(path.read_text()) for path in found]


def left(root: Path) -> list[Path]:
    """Undo files that still wait, and a lab that still stands."""
    state = root / ".firemarshal/state"
    undone = [*state.glob("**/*.undo.json"), *state.glob("**/*.made.json")]
    return [*undone, *root.glob(".firemarshal/lab/*/data")]


def test_every_verdict_reaches_junit_and_a_signal_ends_it_in_order(repo: Any) -> None:
    repo.write("features/verdicts.feature", VERDICTS)
    with repo.start("features", "--target", "toy", "--junitxml=j.xml") as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "fault injected" in line and any("it is stopped\n" in one for one in lines[-6:]):
                process.send_signal(signal.SIGTERM)
    output = "".join(lines)
    assert process.returncode == 11, output
    assert "1 failed, 2 passed, 2 skipped, 2 errors" in output
    cases = {
        one.get("name"): one for one in ElementTree.parse(repo.root / "j.xml").iter("testcase")
    }
    found = {name: (one[1].tag if len(one) > 1 else "", told(one)) for name, one in cases.items()}
    assert {name: (tag, *words) for name, (tag, words) in found.items()} == {
        "test_it_comes_back": ("", "PASSED", ""),
        "test_it_forgets": ("", "FAILED", ""),
        "test_it_is_too_slow": ("failure", "FAILED", ""),
        "test_it_is_ill_already": ("error", "INVALID", found["test_it_is_ill_already"][1][1]),
        "test_it_is_no_database": ("skipped", "NOT RUN", "no-fault-for-kind"),
        "test_it_is_stopped": ("error", "ABORTED", "signal"),
        "test_it_is_never_reached": ("skipped", "NOT RUN", "not-reached"),
    }
    assert told(cases["test_it_forgets"], "expectation")[0].startswith("FAILED, as it must: 'lost'")
    slow = cases["test_it_is_too_slow"].find("failure")
    assert slow is not None and (slow.text or "").startswith("target after: as found\nFAILED: ")
    assert "met: no acknowledged write is lost" in (slow.text or ""), (
        "a miss hides no other promise"
    )
    assert all(told(one, "why")[0] for one in cases.values())
    assert "every verdict: it is too slow" in output, "the failure's title is the scenario's"
    assert left(repo.root) == []


def told(case: ElementTree.Element, *names: str) -> tuple[str, ...]:
    properties = {one.get("name"): one.get("value", "") for one in case.iter("property")}
    return tuple(properties[name] for name in names or ("verdict", "code"))


def test_the_first_failure_ends_it_and_is_what_lf_runs_again(repo: Any) -> None:
    slow = {"then": "writes return within 500 ms"}
    repo.write("features/a.feature", repo.drill(name="one", **slow))
    repo.write("features/b.feature", repo.drill(name="two", **slow))
    done = repo.pytest("features", "--target", "toy", "-x", "--junitxml=j.xml", "-ra")
    assert done.returncode == 1, done.stdout + done.stderr
    one, two = ElementTree.parse(repo.root / "j.xml").iter("testcase")
    assert (told(one), told(two)) == (("FAILED", ""), ("NOT RUN", "not-reached"))
    again = repo.pytest("features", "--target", "toy", "--lf", "--collect-only", "-q")
    listed = [line for line in again.stdout.splitlines() if "::" in line]
    assert listed == ["features/a.feature::test_one"]


LAUNDERERS = {
    "rerunfailures": ("", []),
    "flaky": ("", []),
    "many": (
        "def pytest_addoption(parser):\n    parser.addoption('--numprocesses', type=int)\n",
        ["--numprocesses", "2"],
    ),
}


def test_plugins_that_rerun_or_lose_drills_are_refused_and_only_for_drills(beside: Any) -> None:
    for name, (text, words) in LAUNDERERS.items():
        beside.write(f"{name}.py", text)
        done = beside.pytest(
            *("suite", "-p", name, *words, "--target", "toy", "--collect-only"), PYTHONPATH="."
        )
        assert done.returncode == 4 and "would rerun or lose drills" in done.stderr, name
        assert beside.untouched()
    plain = beside.pytest("suite", "-p", "rerunfailures", PYTHONPATH=".")
    assert plain.returncode == 0 and "2 passed" in plain.stdout
