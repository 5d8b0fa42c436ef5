"""What people do about it: the team's own runbooks, carried out as they are written."""

from pytest_bdd import when

from firemarshal.declare import Runbook
from firemarshal.drills.sentences import sentence


@when(sentence('the runbook "{runbook}" is carried out'))
def _(runbook: str) -> Runbook:
    return Runbook(runbook=runbook)


@when(sentence('the runbook "{runbook}" is carried out for "{system}"'))
def _(runbook: str, system: str) -> Runbook:
    return Runbook(runbook=runbook, system=system)
