"""A lab is found again whatever happened to whoever started it, and leaves nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firemarshal.lab import LabProblem, down, status, up
from firemarshal.lab.null import fragment
from firemarshal.lab.processes import belonging, command_line, is_alive, start_ticks
from firemarshal.lab.starter import Starter
from firemarshal.lab.state import State, held

# A starter that is killed at a chosen moment; its lab must be found by the next one.
STARTER = """
import os, signal, sys
from pathlib import Path
from firemarshal.lab import manage, starter
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
moment = sys.argv[2]
if moment == "at the gate":
    starter.Starter.wait = die
    starter.os = type("os", (), {**vars(os), "write": die})
elif moment == "half-way":
    starter.Starter.wait = die
elif moment == "before any process":
    starter.Starter.start = die
system = {"name": "toy", "kind": "null", "lab": "null"}
manage.up(system, Path(sys.argv[1]), print)
die()
"""


def toy(**more: Any) -> dict[str, Any]:
    return {"name": "toy", "kind": "null", "lab": "null", **more}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "lab" / "toy"
    yield place
    assert down(place, print) == []
    assert belonging(place) == {}
    assert not place.exists()


def start_elsewhere(folder: Path, moment: str) -> None:
    done = subprocess.run([sys.executable, "-c", STARTER, str(folder), moment], check=False)
    assert done.returncode == -signal.SIGKILL


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while start_ticks(pid) is not None:
        time.sleep(0.005)


def test_up_twice_is_one_lab(folder: Path) -> None:
    said: list[str] = []
    first = up(toy(), folder, said.append)
    assert up(toy(), folder, said.append) == first
    assert said == ["lab toy: starting"]
    assert len(belonging(folder)) == 2


def test_down_twice_and_never_up(folder: Path) -> None:
    assert down(folder, print) == []
    up(toy(), folder, print)
    assert down(folder, print) == []
    assert not folder.exists()
    assert down(folder, print) == []


def test_status_tells_what_runs(folder: Path) -> None:
    nothing = {"up": False, "system": None, "processes": [], "connect": ""}
    assert status(folder) == nothing
    table = up(toy(recorder={"rate_per_s": 7}), folder, print)
    seen = status(folder)
    assert seen["up"] is True
    assert seen["system"] == table
    assert seen["connect"] == f"nc 127.0.0.1 {table['members'][0]['port']}"
    (process,) = seen["processes"]
    assert process["name"] == "supervisor"
    assert process["alive"] is True
    assert is_alive(process["pid"], process["start"])


@pytest.mark.parametrize("moment", ["before any process", "at the gate", "half-way", "when up"])
def test_a_killed_starter_leaves_nothing_unfindable(folder: Path, moment: str) -> None:
    start_elsewhere(folder, moment)
    said: list[str] = []
    table = up(toy(), folder, said.append)
    assert status(folder)["up"] is True
    assert len(belonging(folder)) == 2
    if moment == "when up":
        assert said == []
    else:
        assert len([line for line in said if "remains" in line]) == 1
    assert table["members"][0]["folder"] == str(folder)


@pytest.mark.parametrize("moment", ["before any process", "at the gate", "half-way", "when up"])
def test_down_after_a_killed_starter(folder: Path, moment: str) -> None:
    start_elsewhere(folder, moment)
    assert down(folder, print) == []
    assert belonging(folder) == {}


def test_a_half_dead_lab_is_replaced_with_one_line(folder: Path) -> None:
    first = up(toy(), folder, print)
    kill(status(folder)["processes"][0]["pid"])  # the server lives on
    assert status(folder)["up"] is False
    said: list[str] = []
    second = up(toy(), folder, said.append)
    assert first["identity"] != second["identity"]
    assert [line for line in said if "remains of an earlier lab" in line]
    assert len(belonging(folder)) == 2


def test_a_process_that_a_heal_started_again_is_adopted(folder: Path) -> None:
    table = up(toy(), folder, print)
    old = status(folder)["processes"][0]["pid"]
    command = command_line(old)
    environment = Path(f"/proc/{old}/environ").read_bytes().decode().split("\0")[:-1]
    (folder / "unsupervised").touch()
    for pid in belonging(folder):
        kill(pid)
    (folder / "unsupervised").unlink()
    new = subprocess.Popen(command, env=dict(line.split("=", 1) for line in environment))
    end = time.monotonic() + 20
    while fragment.unready(table, folder) and time.monotonic() < end:
        time.sleep(0.02)
    assert status(folder)["processes"][0]["pid"] == new.pid
    assert up(toy(), folder, print) == table
    assert down(folder, print) == []
    new.wait()


def test_other_options_make_another_lab(folder: Path) -> None:
    with pytest.raises(LabProblem, match="the options of null are: none"):
        up(toy(options={"synchronous": True}), folder, print)


def test_a_lab_that_recovers_is_waited_for_and_kept(folder: Path) -> None:
    table = up(toy(), folder, print)
    kill(int((folder / "pid").read_text()))
    said: list[str] = []
    assert up(toy(), folder, said.append) == table
    assert len(said) == 1
    assert "waiting for it to recover" in said[0]


def test_a_lab_that_stays_broken_is_made_anew(folder: Path) -> None:
    table = up(toy(), folder, print)
    (folder / "fault.refuse").touch()
    assert up(toy(), folder, print)["identity"] != table["identity"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"lab": "oracle"}, "use one of null, postgres"),
        ({"lab": "../null"}, "there is no fragment"),
        ({"kind": "postgres"}, "the fragment makes 'null'"),
        ({"name": "../toy"}, "use a-z"),
    ],
)
def test_a_wrong_table_is_refused_before_anything_is_made(
    folder: Path, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(LabProblem, match=said):
        up(toy(**wrong), folder, print)
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_a_problem_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LabProblem, match=r"Not a directory.*cure: "):
        up(toy(), tmp_path / "file" / "toy", print)
    assert down(tmp_path / "file" / "toy", print) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_a_problem_with_a_cure(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(LabProblem, match=r"Permission denied.*cure: give the lab a folder"):
            up(toy(), tmp_path / "toy", print)
    finally:
        tmp_path.chmod(0o700)


def test_a_foreign_folder_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(LabProblem, match="no lab made"):
        up(toy(), tmp_path, print)
    assert "not touched" in down(tmp_path, print)[0]
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_a_port_in_use_is_told_with_the_log(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(Starter, "free_port", lambda self: port)
        monkeypatch.setattr(fragment, "UP_WITHIN_S", 1.0)
        monkeypatch.setattr(fragment, "ANSWER_WITHIN_S", 0.2)
        with pytest.raises(LabProblem, match=r"Address already in use.*cure: try again"):
            up(toy(), folder, print)
    assert belonging(folder) == {}
    assert list(folder.iterdir()) == []


def test_the_processes_are_found_after_the_folder_was_deleted_by_hand(folder: Path) -> None:
    import shutil

    up(toy(), folder, print)
    shutil.rmtree(folder)
    assert len(belonging(folder)) == 2
    assert down(folder, print) == []
    assert belonging(folder) == {}


def test_two_starters_make_one_lab(folder: Path) -> None:
    tables: list[dict[str, Any]] = []
    starters = [
        threading.Thread(target=lambda: tables.append(up(toy(), folder, print))) for _ in range(4)
    ]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert len(tables) == 4
    assert all(table == tables[0] for table in tables)
    assert len(belonging(folder)) == 2


def test_a_starter_waits_for_another_and_says_so(folder: Path) -> None:
    said: list[str] = []
    with held(folder, print):
        starter = threading.Thread(target=lambda: up(toy(), folder, said.append))
        starter.start()
        end = time.monotonic() + 20
        while not said and time.monotonic() < end:
            time.sleep(0.01)
        assert said == ["lab toy: another process is at work on it; waiting"]
        assert belonging(folder) == {}
    starter.join()
    assert len(belonging(folder)) == 2


def test_a_successor_with_the_same_pid_is_not_the_process() -> None:
    ticks = start_ticks(os.getpid())
    assert ticks is not None
    assert is_alive(os.getpid(), ticks)
    assert not is_alive(os.getpid(), ticks + 1)


def test_pids_of_another_boot_are_never_signalled(folder: Path) -> None:
    ticks = start_ticks(os.getpid())
    assert ticks is not None
    state = State("null", toy(), os.getpid(), phase="up", boot="another")
    from firemarshal.lab.state import Process

    state.processes.append(Process("we", os.getpid(), ticks, []))
    folder.mkdir(parents=True)
    state.write(folder)
    assert status(folder)["up"] is False
    assert down(folder, print) == []


def test_the_users_own_variables_do_not_reach_the_processes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    up(toy(), folder, print)
    for pid in belonging(folder):
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"PGHOST" not in environment
        assert b"AWS_" not in environment
