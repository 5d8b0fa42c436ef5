"""Undo files outlive everything: whole or not there, newest first; the lock names its holder."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firemarshal.bad_input import BadInput
from firemarshal.state import Locked, SystemState, all_pending

WRITER = """
import sys
from pathlib import Path
from firemarshal.state import SystemState
state = SystemState(Path(sys.argv[1]), "lab", "orders")
print("ready", flush=True)
for number in range(10**6):
    value = {"drill_id": "d1", "at_us": number, "victims": [{"undo": "x" * 20000}]}
    value |= dict.fromkeys(("fault", "module", "lasts", "configuration", "system", "folder"), "x")
    undo = state.write_undo(0, value)
    if number % 3 == 0:
        state.done(undo)
"""
HOLDER = """
import sys
from pathlib import Path
from firemarshal.state import SystemState
with SystemState(Path(sys.argv[1]), "lab", "orders").lock({"run": "r-7", "pid": 4711}):
    print("held", flush=True)
    sys.stdin.read()
"""


def undo(drill: str, at_us: int, *lines: str) -> dict[str, Any]:
    victims = [{"id": "x", "undo": line} for line in lines]
    rest = {"module": "m", "lasts": "moment", "configuration": {}, "system": "orders"}
    rest |= {"folder": "f", "fault": "null.kill"}
    return {"drill_id": drill, "at_us": at_us, "victims": victims, **rest}


def test_what_stands_is_healed_newest_first(tmp_path: Path) -> None:
    state = SystemState(tmp_path, "lab", "orders")
    state.write_undo(1, undo("dz", 20, "two"))
    state.write_undo(0, undo("dz", 10, "one"))
    state.write_undo(2, undo("dz", 20, "three"))
    state.write_undo(0, undo("da", 30, "four", ""))
    found = state.pending()
    assert [one.shell for one in found] == [["four"], ["three"], ["two"], ["one"]]
    state.done(found[1])
    state.done(found[1])  # a second healer may come to the same end
    assert [one.value["at_us"] for one in state.pending()] == [30, 20, 10]
    SystemState(tmp_path, "lab", "clean").folder.mkdir()
    assert list(all_pending(tmp_path, "lab")) == ["orders"]
    assert all_pending(tmp_path, "other") == {}


def test_what_a_drill_makes_is_noted_until_it_is_removed(tmp_path: Path) -> None:
    state = SystemState(tmp_path, "lab", "orders")
    state.write_made("d1", {"module": "m", "configuration": {"table": "x"}})
    state.write_made("d2", {"module": "m", "configuration": {"table": "y"}})
    state.unmade("d1")
    state.unmade("d1")
    assert list(state.made()) == ["d2"] and state.pending() == []


def test_an_undo_is_whole_or_not_there_whenever_its_writer_dies(tmp_path: Path) -> None:
    state = SystemState(tmp_path, "lab", "orders")
    for number in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        with process.stdout:
            process.stdout.readline()
            time.sleep(number / 300)  # any moment will do
            process.kill()
            process.wait()
        for one in state.pending():
            assert len(one.shell[0]) == 20000
            state.done(one)


def test_a_damaged_undo_is_told_with_its_file_and_never_passed_over(tmp_path: Path) -> None:
    state = SystemState(tmp_path, "lab", "orders")
    path = state.write_undo(0, undo("d1", 1)).path
    path.write_text('{"drill')
    with pytest.raises(BadInput, match=r"d1-00\.undo\.json: an undo file is damaged .* undo it by"):
        state.pending()


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_held_system_is_refused_with_its_holder_s_name(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    state = SystemState(tmp_path, "lab", "orders")
    with (
        pytest.raises(Locked) as problem,
        state.lock({"run": "r-8"}, wait_s=0.1),
    ):
        pytest.fail("two held it")
    assert str(problem.value) == (
        'system \'orders\' of target \'lab\' is being drilled by {"run":"r-7","pid":4711}'
    )
    with SystemState(tmp_path, "lab", "payments").lock({"run": "r-8"}):
        pass
    holder.kill()
    holder.wait()
    with state.lock({"run": "r-8"}):
        assert b"r-8" in (state.folder / "lock").read_bytes()
    assert (state.folder / "lock").read_bytes() == b""


def test_a_lock_that_is_let_go_in_time_is_waited_for(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    assert holder.stdin is not None
    holder.stdin.close()
    with SystemState(tmp_path, "lab", "orders").lock({"run": "r-8"}, wait_s=30):
        pass
