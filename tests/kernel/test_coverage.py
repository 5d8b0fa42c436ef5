"""Which clause is served: controls serve none, and an objective nobody judges stays open."""

from pathlib import Path

from toy_project import ToyProject

PLAN = """
id = "shop"
name = "Shop"
source = "by hand"
version = "1"
[[clauses]]
id = "S-1"
text = "When the shop refuses, it is back in 3 seconds and loses little."
every = "month"
rto = "3 s"
rpo = "1 min"
[[clauses]]
id = "S-2"
text = "When nobody looks, nothing is promised to anybody at all."
every = "year"
rto = "1 h"
"""
FEATURE = """
@null @plan:S-1
Feature: Covered
  Scenario: judged
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request for 1 second
    Then writes return as the plan promises

  @must-fail:rto>=1
  Scenario: a control
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request for 2 seconds
    Then writes return within 1 second
"""


def test_the_command_tells_what_is_served_and_what_is_open(tmp_path: Path) -> None:
    project = ToyProject(tmp_path, FEATURE)
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans/shop.toml").write_text(PLAN)
    done = project.command("plan", "features", "--target", "lab")
    assert done.returncode == 0, done.stderr
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "S-1 partly month rto 3 s, rpo 1 min",
        "features/toy.feature:4 judged",
        "not judged by any drill: rpo 1 min",
        "S-2 no drill year rto 1 h",
        "2 clauses: 0 whole, 1 partly",
    ]


def test_a_feature_that_cannot_be_compiled_is_told(tmp_path: Path) -> None:
    project = ToyProject(tmp_path, FEATURE)
    done = project.command("plan", "features", "--target", "lab")
    assert done.returncode == 4
    assert "no plan has a clause 'S-1'" in done.stderr
