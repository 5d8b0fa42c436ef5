"""The toy: faults are files, acknowledged writes lie in `data`, its supervisor restarts it."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firemarshal.lab import down, up
from firemarshal.probes.null.settings import Settings


def toy() -> dict[str, Any]:
    return {"name": "toy", "kind": "null", "lab": "null"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "toy"
    assert down(tmp_path / "toy", print) == []


@pytest.fixture
def member(folder: Path) -> Any:
    return up(toy(), folder, print)["members"][0]


class Client:
    def __init__(self, member: dict[str, Any]) -> None:
        self.socket = socket.create_connection((member["address"], member["port"]), 5)

    def ask(self, line: str, timeout_s: float = 5) -> str:
        self.socket.settimeout(timeout_s)
        self.socket.sendall(line.encode() + b"\n")
        return self.socket.makefile("r").readline().strip()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, f"waited 20 s in vain until {what}"
        time.sleep(0.01)


def pid_of(folder: Path) -> int:
    return int((folder / "pid").read_text())


def test_the_table_is_valid_and_complete(folder: Path) -> None:
    table = up({**toy(), "recorder": {"rate_per_s": 50}}, folder, print)
    settings = Settings.model_validate(table)
    assert settings.members[0].folder == str(folder)
    assert settings.recorder.rate_per_s == 50
    assert settings.identity["uuid"] == (folder / "uuid").read_text()


def test_a_write_is_stored_counted_and_told_apart(folder: Path, member: dict[str, Any]) -> None:
    with Client(member) as client:
        assert client.ask("W 1 11") == "ok 1"
        assert client.ask("W 2 22") == "ok 2"
        assert client.ask("R") == "n 2"
        assert client.ask("I") == f"i {(folder / 'uuid').read_text()}"
        assert client.ask("W 3").startswith("error")
        assert client.ask("").startswith("error")
    assert (folder / "data").read_text() == "1 11\n2 22\n"


def test_refuse_stores_nothing(folder: Path, member: dict[str, Any]) -> None:
    (folder / "fault.refuse").touch()
    with Client(member) as client:
        assert client.ask("W 1 11") == "no"
        (folder / "fault.refuse").unlink()
        assert client.ask("R") == "n 0"


def test_forget_acknowledges_what_is_lost(folder: Path, member: dict[str, Any]) -> None:
    (folder / "fault.forget").touch()
    with Client(member) as client:
        assert client.ask("W 1 11") == "ok 1"
        assert client.ask("R") == "n 0"


def test_hang_drops_what_came_meanwhile(folder: Path, member: dict[str, Any]) -> None:
    (folder / "fault.hang").touch()
    with Client(member) as client:
        with pytest.raises(TimeoutError):
            client.ask("W 1 11", timeout_s=0.2)
        (folder / "fault.hang").unlink()
        assert client.ask("W 2 22") == "ok 2"
    assert (folder / "data").read_text() == "2 22\n"


def test_the_supervisor_restarts_it_unless_told_not_to(
    folder: Path, member: dict[str, Any]
) -> None:
    first = pid_of(folder)
    os.kill(first, signal.SIGKILL)
    until(lambda: pid_of(folder) != first, "the server is restarted")
    second = pid_of(folder)
    (folder / "unsupervised").touch()
    os.kill(second, signal.SIGKILL)
    time.sleep(0.8)
    assert pid_of(folder) == second
    (folder / "unsupervised").unlink()
    until(lambda: pid_of(folder) != second, "the server is restarted")
    with Client(member) as client:
        assert client.ask("R") == "n 0"


def test_sixty_clients_are_answered(member: dict[str, Any]) -> None:
    clients = [Client(member) for _ in range(60)]
    for key in range(600):
        assert clients[key % 60].ask(f"W {key} 1") == f"ok {key}"
    assert clients[0].ask("R") == "n 600"
    for client in clients:
        client.socket.close()
