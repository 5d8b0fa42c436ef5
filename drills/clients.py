"""Those who use the system while it breaks."""

from pytest_bdd import given

from firemarshal.declare import Load
from firemarshal.drills.sentences import sentence


@given("clients write steadily")
def _() -> Load:
    return Load()


@given(sentence('clients write steadily to "{system}"'))
def _(system: str) -> Load:
    return Load(system=system)
