"""A manager is found by its port and started again as it ran, once, and never with a secret."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firemarshal.actions.postgres import manager
from firemarshal.fault import NotDone
from firemarshal.hosts import LocalHost
from firemarshal.processes import Process

HERE = LocalHost("local")
LISTENS = """
import socket, sys, time
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(listening.getsockname()[1], flush=True)
time.sleep(120)
"""


def started(own: Path, port: int, **environment: str) -> tuple[Process, dict[str, str]]:
    """A process that listens, with a log and an environment of its own."""
    log = own / "log"
    program = own / "listens.py"
    program.write_text(LISTENS)
    pairs = [f"{key}={text}" for key, text in {"PATH": os.defpath, **environment}.items()]
    words = ["env", "-i", *pairs, sys.executable, str(program), str(port)]  # none of our secrets
    pid = HERE.spawn(words, {}, str(log))
    while not log.exists() or not log.read_text().strip():
        time.sleep(0.02)
    member = {"name": "one", "manager_url": f"http://127.0.0.1:{log.read_text().strip()}"}
    found = manager.manager_of(member, HERE)
    assert found and found.pid == pid
    return found, member


def end(process: Process) -> None:
    HERE.signal(process.pid, process.start, "SIGKILL")
    while any(one.pid == process.pid and one.state not in "ZX" for one in HERE.processes()):
        time.sleep(0.02)


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that stays the same when its process is started again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    yield port
    assert manager.manager_of({"manager_url": f"http://127.0.0.1:{port}"}, HERE) is None


def test_what_was_killed_runs_again_as_it_ran_and_once(tmp_path: Path, free_port: int) -> None:
    process, member = started(tmp_path, free_port, OWN="two words")
    how = manager.as_it_runs(HERE, process)
    before = environment(process.pid), folder(process.pid)
    assert how["log"] == str(tmp_path / "log")
    end(process)
    for _ in range(3):
        manager.start_again(HERE, how)
    while (again := manager.manager_of(member, HERE)) is None:
        time.sleep(0.02)
    try:
        manager.start_again(HERE, how)
        twins = [one for one in HERE.processes() if one.arguments == process.arguments]
        assert [one.pid for one in twins] == [again.pid]
        assert before == (environment(again.pid), folder(again.pid))
    finally:
        end(again)


def test_the_shell_line_starts_it_too(tmp_path: Path, free_port: int) -> None:
    process, member = started(tmp_path, free_port, OWN="it's $HOME")
    line, before = manager.by_hand(manager.as_it_runs(HERE, process)), environment(process.pid)
    end(process)
    subprocess.run(["sh", "-c", line], check=True, timeout=20)
    while (again := manager.manager_of(member, HERE)) is None:
        time.sleep(0.02)
    try:
        assert environment(again.pid) == before
    finally:
        end(again)


def test_a_secret_is_refused_and_not_told(tmp_path: Path, free_port: int) -> None:
    process, _ = started(tmp_path, free_port, PATRONI_SUPERUSER_PASSWORD="hush")
    try:
        with pytest.raises(NotDone, match="PATRONI_SUPERUSER_PASSWORD") as refused:
            manager.as_it_runs(HERE, process)
        assert "hush" not in str(refused.value)
    finally:
        end(process)


def test_nobody_is_found_without_a_manager(free_port: int) -> None:
    assert manager.manager_of({"manager_url": ""}, HERE) is None
    assert manager.manager_of({"manager_url": f"http://127.0.0.1:{free_port}"}, HERE) is None


def environment(pid: int) -> set[str]:
    return {one for one in Path(f"/proc/{pid}/environ").read_text().split("\0") if one}


def folder(pid: int) -> Path:
    return Path(f"/proc/{pid}/cwd").readlink()
