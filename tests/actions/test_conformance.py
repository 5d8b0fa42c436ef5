"""Every fault that can be found keeps the contract, each on a real system of its kind."""

import os
import secrets
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from firemarshal import recovering
from firemarshal.catalogue import Catalogue, FaultFile, Recoveries
from firemarshal.conformance import check
from firemarshal.fault import VictimChanged
from firemarshal.lab import down, up

CATALOGUE = Catalogue(["firemarshal.actions"])
FAULTS = {name: CATALOGUE.find(name, "the tests") for name in CATALOGUE.names}
KNOWN = Recoveries(["firemarshal.actions"])
RECOVERIES = {name: KNOWN.find(name, "the tests") for name in KNOWN.names}
FIXTURES = {"null": "toy", "postgres": "pair"}
KILLS = {"null": 4, "postgres": 2}
NEEDS_MORE = {"postgres.shift_clock": "clocked"}
QUICK = ("postgres.kill_primary", "postgres.cut_replication", "postgres.switch_over")


def kind(fault: FaultFile) -> str:
    return fault.facts.kinds[0]


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_keeps_its_word(name: str, request: pytest.FixtureRequest) -> None:
    fault = FAULTS[name]
    if kind(fault) == "postgres" and name not in QUICK and os.environ.get("DRILLS") != "all":
        pytest.skip("the whole family takes many minutes; run it with: make test DRILLS=all")
    fixture = NEEDS_MORE.get(name, FIXTURES[kind(fault)])
    configuration: dict[str, Any] = request.getfixturevalue(fixture)
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")
    found = check(fault, configuration, kills=KILLS[kind(fault)], seed=seed)
    assert not found, "\n".join(f"{one.check}: {one.text}" for one in found)


@pytest.mark.parametrize("name", RECOVERIES)
def test_every_recovery_keeps_its_word(name: str, request: pytest.FixtureRequest) -> None:
    recovery = RECOVERIES[name]
    configuration = request.getfixturevalue(FIXTURES[recovery.facts.kinds[0]])
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")
    found = recovering.check(recovery, configuration, kills=2, seed=seed)
    assert not found, "\n".join(f"{one.check}: {one.text}" for one in found)


def test_no_fault_is_imported_to_be_known() -> None:
    text = (
        "import sys; from firemarshal.catalogue import Catalogue; "
        "found = Catalogue(['firemarshal.actions']); "
        "[print(found.find(name, 'here').facts.does) for name in found.names]; "
        "assert not [one for one in sys.modules if one.startswith('firemarshal.actions.')]"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(FAULTS)


@pytest.mark.parametrize("name", [one for one in FAULTS if kind(FAULTS[one]) == "null"])
def test_a_twin_is_not_hit_instead(name: str, toy: dict[str, Any], tmp_path: Path) -> None:
    """Another lab of the same names: only where it lives tells it from the first."""
    module = import_module(FAULTS[name].module)
    table = {"name": "toy", "kind": "null", "lab": "null", "options": {}}
    try:
        twin = {**toy, "system": {**toy["system"], **up(table, tmp_path / "twin", print)}}
        victims = module.aim(toy)
        with pytest.raises(VictimChanged):
            module.inject(victims, twin)
        assert module.bit(victims, toy)["bit"] is False
        assert module.aim(twin) and module.aim(toy) == victims
    finally:
        assert down(tmp_path / "twin", print) == []
