"""The toy's probes against the lab's toy server: faults are files, rows are lines."""

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firemarshal.ledger import Attempt, LedgerWriter, Outcome
from firemarshal.probes.null import system
from firemarshal.system import CannotTell

Configuration = dict[str, Any]


@pytest.fixture
def toy_system(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Configuration]:
    folder, name, port = tmp_path / "toy", str(uuid.uuid4()), free_port()
    folder.mkdir()
    (folder / "uuid").write_text(name)
    (folder / "data").write_text("1 1\n")
    command = [sys.executable, "-m", "firemarshal.lab.null.server", str(folder), str(port)]
    process = subprocess.Popen(command)
    member = {"name": "toy-1", "address": "127.0.0.1", "port": port, "folder": str(folder)}
    table = {"name": "toy", "kind": "null", "members": [member], "identity": {"uuid": name}}
    configuration = {"target": "test", "drill": "d1", "system": table}
    while not (folder / "pid").exists():
        assert process.poll() is None
    yield configuration
    process.kill()
    process.wait()


def folder_of(configuration: Configuration) -> Path:
    return Path(configuration["system"]["members"][0]["folder"])


def test_it_is_who_it_says_and_healthy(toy_system: Configuration) -> None:
    pinned = toy_system["system"]["identity"]
    assert system.identify(toy_system) == pinned
    assert system.healthy(toy_system, 1.0) == {"healthy": True, "why": []}
    assert system.redundant(toy_system, 1.0)["redundant"]
    assert system.members(toy_system) == [{"name": "toy-1", "role": "primary"}]
    assert system.capture(toy_system) == {**pinned, "faults": []}
    assert (folder_of(toy_system) / "data").read_text() == "1 1\n"


@pytest.mark.parametrize("fault", ["refuse", "hang", "forget"])
def test_a_fault_that_stands_is_not_healthy(toy_system: Configuration, fault: str) -> None:
    (folder_of(toy_system) / f"fault.{fault}").touch()
    found = system.healthy(toy_system, 1.0)
    assert not found["healthy"]
    assert f"fault.{fault} stands" in found["why"]


def test_another_uuid_is_not_healthy(toy_system: Configuration) -> None:
    toy_system["system"]["identity"] = {"uuid": "other"}
    assert "not other" in system.healthy(toy_system, 1.0)["why"][0]


def test_rows_behind_the_mark_are_this_drills(toy_system: Configuration, record: Any) -> None:
    assert system.forget(toy_system) == {"removed_rows": 0}
    system.prepare(toy_system)
    (client,) = system.clients(toy_system)
    recording = record(module=client["module"], endpoint=client["endpoint"]).ready()
    recording.await_key(20)
    attempts = recording.end()
    system.prepare(toy_system)
    found = system.reconcile(toy_system, str(recording.path))
    assert found["rows"] == found["acknowledged"] == len(attempts)
    assert found["lost"] == found["unexpected"] == []
    assert system.forget(toy_system) == {"removed_rows": len(attempts)}
    assert (folder_of(toy_system) / "data").read_text() == "1 1\n"
    assert not list(folder_of(toy_system).glob("mark.*"))


def test_lost_changed_unexpected_and_doubtful_rows_are_told_apart(
    toy_system: Configuration, tmp_path: Path
) -> None:
    system.prepare(toy_system)
    writer = LedgerWriter(tmp_path / "ledger", 10, {})
    outcomes = [Outcome.OK] * 3 + [Outcome.UNKNOWN, Outcome.INTENT, Outcome.FAILED]
    for key, outcome in enumerate(outcomes, 1):
        writer.write(Attempt(key, key, value=key * 10, outcome=outcome, late_us=key // 4))
    writer.close()
    with (folder_of(toy_system) / "data").open("a") as data:
        data.write("1 10\n3 31\n4 40\n6 60\n9 90\n10 1")
    found = system.reconcile(toy_system, str(tmp_path / "ledger"))
    assert found["lost"] == [2, 3]
    assert found["unexpected"] == [6, 9]
    assert found["in_doubt_present"] == 1
    assert found["acknowledged"] == 3
    assert found["late_lost"] == [5, 6]


def test_a_dead_process_cannot_tell(toy_system: Configuration) -> None:
    toy_system["system"]["members"][0]["port"] = 1
    with pytest.raises(CannotTell, match=r"toy-1 at .* does not answer"):
        system.identify(toy_system)
    assert not system.healthy(toy_system, 1.0)["healthy"]
    assert system.members(toy_system)[0]["role"] == "unreachable"
