"""What can happen to the toy with which firemarshal tests itself."""

from pytest_bdd import given, when

from firemarshal.declare import Aimed, Condition, Disaster, Recovery
from firemarshal.drills.sentences import sentence


@when(sentence('"{system}" refuses every request'))
def _(system: str) -> Disaster:
    return Disaster(system=system, fault="null.refuse")


@when(sentence('"{system}" refuses every request for {time:Duration}'))
def _(system: str, time: int) -> Disaster:
    return Disaster(system=system, fault="null.refuse", hold_us=time)


@when(sentence('"{system}" stops answering for {time:Duration}'))
def _(system: str, time: int) -> Disaster:
    return Disaster(system=system, fault="null.hang", hold_us=time)


@when(sentence('"{system}" forgets what it acknowledges for {time:Duration}'))
def _(system: str, time: int) -> Disaster:
    return Disaster(system=system, fault="null.forget", hold_us=time)


@when(sentence('the process of "{system}" is killed'))
def _(system: str) -> Disaster:
    return Disaster(system=system, fault="null.kill")


@given(sentence('"{system}" refuses requests already'))
def _(system: str) -> Condition:
    return Condition(system=system, fault="null.refuse")


@given(sentence('nobody restarts "{system}"'))
def _(system: str) -> Condition:
    return Condition(system=system, fault="null.unsupervise")


@given(sentence('the drill is aimed at the process of "{system}"'))
def _(system: str) -> Aimed:
    return Aimed(system=system, fault="null.kill")


@given(sentence('"{system}" forgets what it acknowledges'))
def _(system: str) -> Condition:
    return Condition(system=system, fault="null.forget")


@when(sentence('"{system}" is told to answer again'))
def _(system: str) -> Recovery:
    return Recovery(system=system, recovery="null.answer_again")
