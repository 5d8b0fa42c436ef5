"""Every fault that can be found keeps the contract, each on a real system of its kind."""

import secrets
from typing import Any

import pytest

from firemarshal.catalogue import Catalogue, FaultFile
from firemarshal.conformance import check

CATALOGUE = Catalogue(["firemarshal.actions"])
FAULTS = {name: CATALOGUE.find(name, "the tests") for name in CATALOGUE.names}
FIXTURES = {"null": "toy", "postgres": "pair"}
KILLS = {"null": 4, "postgres": 2}


def kind(fault: FaultFile) -> str:
    return fault.facts.kinds[0]


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_keeps_its_word(name: str, request: pytest.FixtureRequest) -> None:
    fault = FAULTS[name]
    configuration: dict[str, Any] = request.getfixturevalue(FIXTURES[kind(fault)])
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")
    found = check(fault, configuration, kills=KILLS[kind(fault)], seed=seed)
    assert not found, "\n".join(f"{one.check}: {one.text}" for one in found)
