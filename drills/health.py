"""The steady state."""

from pytest_bdd import given

from firemarshal.declare import Healthy
from firemarshal.drills.sentences import sentence


@given(sentence('"{system}" is healthy'))
def _(system: str) -> Healthy:
    return Healthy(system=system)
