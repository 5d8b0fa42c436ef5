"""What `firemarshal new fault` writes, as text with the names to put in."""

FAULT = '''\
"""{Words}: say in one sentence what happens to the system."""

from typing import Any

from firemarshal.fault import Fault, NotDone

FAULT = Fault(
    kinds=("{kind}",),
    does="nothing yet: {words}",
    lasts="until healed",
)
Json = dict[str, Any]
NOT_YET = "{{}} is not written yet: {file} (how: firemarshal's page add-a-fault.md)"


def aim(configuration: Json) -> list[Json]:
    """The victims, each {{"id", "name", "before", "found", "undo"}}; changes nothing."""
    raise NotDone(NOT_YET.format("aim"))


def inject(victims: list[Json], configuration: Json) -> None:
    """Harm exactly those; VictimChanged when one is not what was aimed at."""
    raise NotDone(NOT_YET.format("inject"))


def bit(victims: list[Json], configuration: Json) -> Json:
    """{{"bit": true or false, "seen": "..."}}: prove the harm by another road than inject's."""
    raise NotDone(NOT_YET.format("bit"))


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """Take the harm away, return what still stands; write it before you write inject."""
    raise NotDone(NOT_YET.format("heal"))
'''

STEP = '''\
"""What can be said of this: {words}. A step only declares, it touches nothing."""

{imports}


@when(sentence(\'{words} strikes "{{system}}" for {{time:Duration}}\'))
def _(system: str, time: int) -> Disaster:
    return Disaster(system=system, fault="{kind}.{name}", hold_us=time)
'''

FEATURE = """\
@{kind}
Feature: {Words}
  Say here what an operator fears of it, and what has to be true all the same.

  Scenario: Writes return while {words} stands
    Given "{system}" is healthy
    And clients write steadily
    When {words} strikes "{system}" for 8 seconds
    Then writes return within 3 seconds
    And no acknowledged write is lost

  @must-fail:rto>=5
  Scenario: Control: {words} is noticed where nothing answers it
    Given "{system}" is healthy
    And clients write steadily
    When {words} strikes "{system}" for 8 seconds
    Then writes return within 5 seconds
"""

TEST = '''\
"""Does {kind}.{name} keep its word? A system of target {target!r} is broken for real."""

from pathlib import Path

from firemarshal import lab
from firemarshal.project import load
from firemarshal.prove import prove

ROOT = Path(__file__).resolve().parents[{up}]


def test_{name}_keeps_its_word() -> None:
    assert prove(load(ROOT), "{kind}.{name}", "{target}", "{system}", lab, print) == []
'''

BDD = "from pytest_bdd import when"
OURS = """\
from firemarshal.declare import Disaster
from firemarshal.drills.sentences import sentence"""

SETTINGS = """
# Where firemarshal looks, besides its own: sentences and faults of this repository.
[tool.firemarshal]
steps = ["firemarshal.drills", "words"]
faults = ["firemarshal.actions", "faults"]
"""
