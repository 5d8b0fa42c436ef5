"""What was promised, in the words of the plan or in numbers an auditor knows."""

from pytest_bdd import then

from firemarshal.declare import Objective
from firemarshal.drills.sentences import sentence


@then("writes return as the plan promises")
def _() -> Objective:
    return Objective(kind="rto")


@then(sentence("writes return within {rto:Duration}"))
def _(rto: int) -> Objective:
    return Objective(kind="rto", limit=rto)


@then("no more is lost than the plan allows")
def _() -> Objective:
    return Objective(kind="rpo")


@then(sentence("at most {rpo:Duration} of acknowledged writes are lost"))
def _(rpo: int) -> Objective:
    return Objective(kind="rpo", limit=rpo)


@then("no acknowledged write is lost")
def _() -> Objective:
    return Objective(kind="lost", limit=0)


@then(sentence("the recovery is proved within {time:Duration}"))
def _(time: int) -> Objective:
    return Objective(kind="recovery", limit=time)
