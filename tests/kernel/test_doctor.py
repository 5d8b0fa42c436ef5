"""What `firemarshal doctor` sees: on real folders, sockets and profiles, and changing nothing."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firemarshal import doctor, project, state, target
from firemarshal.clock import boot_id
from firemarshal.probes.postgres import settings
from firemarshal.reach import addresses, unreached

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "targets" / "staging.example.toml"
LAB = """
name = "toys"
environment = "lab"
[[systems]]
name = "toy"
kind = "null"
lab = "null"
"""
OURS = """
name = "ours"
environment = "staging"
[[systems]]
name = "toy"
kind = "null"
identity = {{ uuid = "u" }}
members = [{{ name = "toy-1", address = "127.0.0.1", port = {port}, folder = "/nowhere" }}]
"""


def _examined(root: Path, text: str) -> dict[str, doctor.Finding]:
    (root / "targets").mkdir()
    (root / "targets" / "here.toml").write_text(text)
    findings = doctor.examine(project.load(root), "here")
    found = {one.what: one for one in findings}
    assert len(found) == len(findings), "two findings of the same name"
    assert all(one.cure for one in findings if not one.well)
    return found


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is bound, so that nobody else gets it, and never listened on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_machine_that_runs_these_tests_can_drill_the_toy(tmp_path: Path) -> None:
    found = _examined(tmp_path, LAB)
    sick = {what: one.seen for what, one in found.items() if not one.well and what != "space"}
    assert not sick
    assert "made by the lab" in found["system 'toy'"].seen
    assert found["lab folder 'toy'"].seen == "down; a drill makes it"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["here.toml", "targets"]


def test_a_profile_that_cannot_be_read_is_a_finding_with_its_place(tmp_path: Path) -> None:
    found = _examined(tmp_path, LAB.replace("environment", "enviroment"))["target profile"]
    assert not found.well
    assert "here.toml" in found.seen
    assert "did you mean 'environment'" in found.seen


def test_no_profile_is_a_finding_and_the_machine_is_told_even_so(tmp_path: Path) -> None:
    findings = {one.what: one for one in doctor.examine(project.load(tmp_path), "nowhere")}
    assert not findings["target profile"].well
    assert findings["Linux"].well


def test_what_a_dead_drill_left_is_told_with_both_cures(tmp_path: Path) -> None:
    left = state.SystemState(project.load(tmp_path).state, "toys", "toy")
    victims = [{"id": "toy", "undo": "rm -f fault.hang"}]
    undo = {"fault": "null.hang", "victims": victims, "drill_id": "d1", "at_us": 1, "utc": "then"}
    undo |= dict.fromkeys(("module", "lasts", "configuration", "system", "folder"), "x")
    left.write_undo(0, undo)
    left.write_made("d2", {"module": "m", "configuration": {}})
    found = _examined(tmp_path, LAB)["leftovers of drills"]
    assert not found.well
    assert "null.hang on toy, since then" in found.seen
    assert "marker rows of d2 on toy" in found.seen
    assert "firemarshal heal --target toys" in found.cure
    assert "rm -f fault.hang" in found.cure


def test_files_in_the_labs_place_that_no_lab_made_are_told(tmp_path: Path) -> None:
    folder = project.load(tmp_path).lab / "toy"
    folder.mkdir(parents=True)
    (folder / "precious").touch()
    found = _examined(tmp_path, LAB)["lab folder 'toy'"]
    assert not found.well
    assert "no lab made" in found.seen


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ({"boot": "now", "phase": "up", "processes": "own"}, "up, 1 processes run"),
        ({"boot": "another", "phase": "up", "processes": "own"}, "0 of 1 processes run"),
        ({"boot": "now", "phase": "starting", "processes": "own"}, "1 of 1 processes run"),
        ({"boot": "now", "phase": "up"}, "its state cannot be read"),
        ([], "its state cannot be read"),
    ],
)
def test_a_lab_is_told_as_its_folder_says(tmp_path: Path, said: object, seen: str) -> None:
    start = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    if isinstance(said, dict):
        if said["boot"] == "now":
            said = {**said, "boot": boot_id()}
        if said.get("processes") == "own":
            said = {**said, "processes": [{"pid": os.getpid(), "start": start}]}
    folder = project.load(tmp_path).lab / "toy"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps(said))
    found = _examined(tmp_path, LAB)["lab folder 'toy'"]
    assert found.well
    assert seen in found.seen


def test_a_fragment_that_does_not_exist_is_told(tmp_path: Path) -> None:
    found = _examined(tmp_path, LAB.replace('lab = "null"', 'lab = "nul"'))["lab 'nul'"]
    assert not found.well


def test_a_member_that_answers_hears_nothing(tmp_path: Path, listener: socket.socket) -> None:
    found = _examined(tmp_path, OURS.format(port=listener.getsockname()[1]))
    assert found["toy: member toy-1"].well
    connection, _ = listener.accept()
    with connection:
        assert connection.recv(1) == b""


def test_a_member_that_cannot_be_reached_is_told(tmp_path: Path, closed_port: int) -> None:
    found = _examined(tmp_path, OURS.format(port=closed_port))["toy: member toy-1"]
    assert not found.well
    assert f"127.0.0.1:{closed_port}" in found.seen


def test_every_address_of_a_table_is_asked() -> None:
    system = {
        "hosts": [
            {"name": "db1", "via": "ssh", "address": "one", "port": 22},
            {"name": "here", "via": "local", "address": "", "port": 22},
        ],
        "members": [
            {"name": "m1", "address": "two", "port": 5432, "manager_url": "http://three:8008"},
            {"name": "m2", "address": "four", "port": 5432, "manager_url": ""},
            {"name": "m3", "address": "five", "port": 5432, "manager_url": "https://six"},
            {"name": "m4", "address": "seven", "port": 5432, "manager_url": "http://eight:x"},
        ],
    }
    assert [(address, port) for _, address, port in addresses(system)] == [
        *[("one", 22), ("two", 5432), ("three", 8008), ("four", 5432)],
        *[("five", 5432), ("six", 443), ("seven", 5432), ("eight", 0)],
    ]


def test_one_silent_address_does_not_hide_the_others(
    listener: socket.socket, closed_port: int
) -> None:
    port = listener.getsockname()[1]
    asked = [("a", "127.0.0.1", closed_port), ("b", "127.0.0.1", port), ("c", "127.0.0.1", 0)]
    why = unreached(asked, 2.0)
    assert [bool(one) for one in why] == [True, False, True]


def test_the_command_ends_with_4_when_something_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "firemarshal.cli", "doctor", "--target", "nowhere"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 4, done.stderr
    assert "MISSING target profile" in done.stdout
    assert "cure:" in done.stdout


def test_the_example_profile_is_valid_and_needs_no_lab() -> None:
    found = target.load("staging.example", ROOT)
    assert found.environment == "staging"
    assert [one.lab for one in found.systems] == [""]
    names = {one.name for one in found.systems[0].hosts}
    members = found.systems[0].model_dump()["members"]
    assert {one["host"] for one in members} <= names


@pytest.mark.parametrize(
    "table",
    [
        *(target.Target, target.Host, target.Recorder),
        *(settings.Settings, settings.Member, settings.Link),
    ],
)
def test_the_example_profile_shows_every_key(table: type[target.Table]) -> None:
    not_there = {"lab", "options", "module"}  # for labs, and what the loader fills in
    text = EXAMPLE.read_text()
    for key in set(table.model_fields) - not_there:
        assert re.search(rf"^(# )?({key} = |\[+(systems\.)?{key}\])", text, re.MULTILINE), key
