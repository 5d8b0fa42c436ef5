"""What can happen to a PostgreSQL pair."""

from pytest_bdd import given, when

from firemarshal.declare import Aimed, Condition, Disaster, Recovery
from firemarshal.drills.sentences import sentence


@when(sentence('the primary of "{system}" is killed'))
def _(system: str) -> Disaster:
    return Disaster(system=system, fault="postgres.kill_primary")


@when(sentence('the machine of the primary of "{system}" is lost'))
def _(system: str) -> Disaster:
    return Disaster(system=system, fault="postgres.lose_primary_host")


@when(sentence('the machine of the primary of "{system}" stands still'))
def _(system: str) -> Disaster:
    return Disaster(system=system, fault="postgres.freeze_primary")


@when(sentence('the manager of the primary of "{system}" dies alone'))
def _(system: str) -> Disaster:
    return Disaster(system=system, fault="postgres.kill_manager")


@when(sentence('the primary of "{system}" hands over to its standby'))
def _(system: str) -> Disaster:
    return Disaster(system=system, fault="postgres.switch_over")


@when(sentence('the primary of "{system}" is killed and then its successor'))
def _(system: str) -> Disaster:
    return Disaster(system=system, fault="postgres.kill_primary_twice")


@when(sentence('the old primary of "{system}" is made to lead again'))
def _(system: str) -> Recovery:
    return Recovery(system=system, recovery="postgres.fail_back")


@given(sentence('the standby of "{system}" has just been killed'))
def _(system: str) -> Condition:
    return Condition(system=system, fault="postgres.kill_standby")


@given(sentence('a base backup of "{system}" is running'))
def _(system: str) -> Condition:
    return Condition(system=system, fault="postgres.run_base_backup")


@when(sentence('the standby of "{system}" is killed'))
def _(system: str) -> Disaster:
    return Disaster(system=system, fault="postgres.kill_standby")


@when(sentence('the replication of "{system}" falls silent for {time:Duration}'))
def _(system: str, time: int) -> Disaster:
    return Disaster(system=system, fault="postgres.freeze_replication", hold_us=time)


@when(sentence('the busiest table of "{system}" is locked for {time:Duration}'))
def _(system: str, time: int) -> Disaster:
    return Disaster(system=system, fault="postgres.lock_table", hold_us=time)


@when(sentence('a storm of connections fills "{system}" for {time:Duration}'))
def _(system: str, time: int) -> Disaster:
    return Disaster(system=system, fault="postgres.fill_connections", hold_us=time)


@given(sentence('the drill is aimed at the primary of "{system}"'))
def _(system: str) -> Aimed:
    return Aimed(system=system, fault="postgres.kill_primary")


@given(sentence('the leadership of "{system}" has moved to the standby'))
def _(system: str) -> Condition:
    return Condition(system=system, fault="postgres.switch_over")


@given(sentence('automatic failover of "{system}" is switched off'))
def _(system: str) -> Condition:
    return Condition(system=system, fault="postgres.pause_failover")


@given(sentence('the replication link of "{system}" is cut'))
def _(system: str) -> Condition:
    return Condition(system=system, fault="postgres.cut_replication")


@given(sentence('the replication link of "{system}" has been cut for {time:Duration}'))
def _(system: str, time: int) -> Condition:
    return Condition(system=system, fault="postgres.cut_replication", for_us=time)


@when(sentence('the clock of the primary of "{system}" jumps {time:Duration} ahead'))
def _(system: str, time: int) -> Disaster:
    return Disaster(system=system, fault="postgres.shift_clock", arguments={"ahead_us": time})


@given(sentence('the clock of the primary of "{system}" has just been set back by {time:Duration}'))
def _(system: str, time: int) -> Condition:
    return Condition(system=system, fault="postgres.shift_clock", arguments={"ahead_us": -time})
