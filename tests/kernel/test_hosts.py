"""Hosts do the same over every road: here, and over ssh to the test's own sshd on loopback."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from own_sshd import MISSING, free_port, key, sshd

from firemarshal.fault import NotDone, VictimChanged
from firemarshal.hosts import Host, HostFailed, LocalHost, host
from firemarshal.processes import Process, listed, local_processes, process

PATIENCE_S = 20.0
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def _until(seen: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < end, "did not become true"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def ssh_spec() -> Iterator[dict[str, object]]:
    """A profile's host table for an sshd that serves nobody but this test."""
    if MISSING:
        pytest.skip(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="firemarshal-ssh-"))
    try:
        with sshd(folder) as spec:
            yield spec
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["local", "ssh"])
def machine(request: pytest.FixtureRequest) -> Host:
    if request.param == "local":
        return host({"name": "near", "via": "local"})
    return host(request.getfixturevalue("ssh_spec"))


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEPER) as running:
        try:
            yield running
        finally:
            running.kill()


def _found(machine: Host, pid: int) -> Process:
    (one,) = [one for one in machine.processes() if one.pid == pid]
    return one


def test_words_arrive_as_they_were_sent(machine: Host) -> None:
    words = ["a b", "$HOME", "`id`", "'", '"', "*", "", "x;y", "한", "two\nlines", "-n", "\\"]
    result = machine.run(["printf", "%s|", *words], 20)
    assert result.out == "".join(f"{word}|" for word in words)
    assert (result.code, result.err) == (0, "")


def test_a_code_is_an_answer_and_not_an_error(machine: Host) -> None:
    result = machine.run(["sh", "-c", "echo no >&2; exit 7"], 20)
    assert (result.code, result.out, result.err) == (7, "", "no\n")


def test_a_missing_command_answers_127(machine: Host) -> None:
    assert machine.run(["no-such-command-here"], 20).code == 127


def test_a_command_past_its_deadline_is_killed_with_its_children(
    machine: Host, tmp_path: Path
) -> None:
    script = f"sleep 600 & echo $! $$ > {tmp_path}/pids; wait"
    with pytest.raises(HostFailed, match=r"on host (near|far): sh .*seen: no end within 0\.5 s"):
        machine.run(["sh", "-c", script], 0.5)
    pids = {int(word) for word in (tmp_path / "pids").read_text().split()}
    _until(lambda: not pids & {one.pid for one in machine.processes() if one.state != "Z"})


def test_processes_tell_start_parent_state_and_arguments(
    machine: Host, sleeper: subprocess.Popen[bytes]
) -> None:
    _until(lambda: _found(machine, sleeper.pid).arguments == tuple(SLEEPER))
    one = _found(machine, sleeper.pid)
    assert one.parent == os.getpid()
    assert one.start == int(Path(f"/proc/{sleeper.pid}/stat").read_text().split()[21])
    assert one.name.startswith("python")
    assert one.state in "SRD"


def test_both_roads_tell_the_same(
    ssh_spec: dict[str, object], sleeper: subprocess.Popen[bytes]
) -> None:
    near, far = LocalHost("near"), host(ssh_spec)
    _until(lambda: _found(near, sleeper.pid).arguments == tuple(SLEEPER))
    seen = [replace(_found(one, sleeper.pid), state="S") for one in (near, far)]
    assert seen[0] == seen[1]


def test_a_signal_hits_the_process_that_was_aimed_at(
    machine: Host, sleeper: subprocess.Popen[bytes]
) -> None:
    machine.signal(sleeper.pid, _found(machine, sleeper.pid).start, "SIGKILL")
    assert sleeper.wait(PATIENCE_S) == -signal.SIGKILL


def test_a_successor_with_the_same_pid_is_spared(
    machine: Host, sleeper: subprocess.Popen[bytes]
) -> None:
    start = _found(machine, sleeper.pid).start
    with pytest.raises(VictimChanged, match="another process"):
        machine.signal(sleeper.pid, start - 1, "SIGKILL")
    assert sleeper.poll() is None


def test_a_zombie_and_a_process_that_is_gone_are_refused(
    machine: Host, sleeper: subprocess.Popen[bytes]
) -> None:
    start = _found(machine, sleeper.pid).start
    sleeper.kill()
    _until(lambda: _found(machine, sleeper.pid).state == "Z")
    with pytest.raises(VictimChanged, match="zombie"):
        machine.signal(sleeper.pid, start, "SIGKILL")
    sleeper.wait()
    with pytest.raises(VictimChanged, match="no such process"):
        machine.signal(sleeper.pid, start, "SIGKILL")


def test_a_tree_dies_at_once_and_a_successor_is_spared(machine: Host) -> None:
    """A parent and its children, each in a session of its own, as PostgreSQL's are."""
    line = "for i in 1 2 3; do setsid sleep 60 & done; wait"
    with subprocess.Popen(["bash", "-c", line], start_new_session=True) as parent:
        try:
            _until(lambda: len(_children(parent.pid)) == 3)
            children, start = _children(parent.pid), _found(machine, parent.pid).start
            with pytest.raises(VictimChanged):
                machine.kill_tree(parent.pid, start + 1)
            assert parent.poll() is None
            machine.kill_tree(parent.pid, start)
            assert parent.wait(10) == -signal.SIGKILL
            _until(lambda: not {one.pid for one in _alive()} & set(children))
        finally:
            parent.kill()
    with pytest.raises(VictimChanged):
        machine.kill_tree(parent.pid, start)


def test_a_tree_stands_still_and_goes_on_in_one_go(machine: Host) -> None:
    line = "for i in 1 2 3; do setsid sleep 60 & done; wait"
    with subprocess.Popen(["bash", "-c", line], start_new_session=True) as parent:
        try:
            _until(lambda: len(_children(parent.pid)) == 3)
            family, start = [parent.pid, *_children(parent.pid)], _found(machine, parent.pid).start
            with pytest.raises(VictimChanged):
                machine.signal_tree(parent.pid, start + 1, "SIGSTOP")
            machine.signal_tree(parent.pid, start, "SIGSTOP")
            _until(lambda: {_found(machine, pid).state for pid in family} == {"T"})
            machine.signal_tree(parent.pid, start, "SIGCONT")
            _until(lambda: "T" not in {_found(machine, pid).state for pid in family})
        finally:
            machine.kill_tree(parent.pid, start)
    with pytest.raises(VictimChanged):
        machine.signal_tree(parent.pid, start, "SIGCONT")


def test_a_line_by_hand_does_the_same_from_here(machine: Host, tmp_path: Path) -> None:
    line = machine.by_hand(f'echo "it\'s $((1 + 1))" >{tmp_path}/done')
    if machine.name == "far":
        assert line.startswith("ssh ")
    subprocess.run(["sh", "-c", f"{line} && true"], check=True, stdin=subprocess.DEVNULL)
    assert (tmp_path / "done").read_text() == "it's 2\n"


@pytest.mark.parametrize(
    ("wrong", "cure"),
    [
        ({"known_hosts_file": "/nowhere/known"}, "compare `ssh-keyscan`"),
        ({"identity_file": "/nowhere/key"}, "correct identity_file"),
    ],
)
def test_a_road_that_does_not_work_is_told_with_its_own_cure(
    ssh_spec: dict[str, object], wrong: dict[str, str], cure: str
) -> None:
    with pytest.raises(HostFailed, match=f"cure: {cure}"):
        host({**ssh_spec, **wrong}).run(["true"], 5)


def _children(pid: int) -> list[int]:
    return [one.pid for one in _alive() if one.parent == pid]


def _alive() -> list[Process]:
    return [one for one in local_processes() if one.state != "Z"]


def test_an_unknown_signal_is_refused_before_anything_is_sent(machine: Host) -> None:
    with pytest.raises(KeyError):
        machine.signal(os.getpid(), 0, "SIGNOTHING")


def test_files_are_read_and_looked_for(machine: Host, tmp_path: Path) -> None:
    path = tmp_path / "a b'c"
    assert not machine.exists(str(path))
    with pytest.raises(HostFailed, match="cat"):
        machine.read(str(path))
    path.write_text("first\nsecond 한\n")
    assert machine.exists(str(path))
    assert machine.read(str(path)) == "first\nsecond 한\n"


def test_what_is_spawned_has_its_own_session_environment_and_log(
    machine: Host, tmp_path: Path
) -> None:
    log = tmp_path / "the log"
    pid = machine.spawn(
        ["sh", "-c", 'echo "$SECRET"; echo err >&2; exec sleep 600'],
        {"SECRET": "two words $HOME"},
        str(log),
    )
    try:
        _until(lambda: log.exists() and log.read_text() == "two words $HOME\nerr\n")
        assert os.getsid(pid) == pid
        assert _found(machine, pid).arguments == ("sleep", "600")
        assert "two words" not in " ".join(
            word for one in machine.processes() for word in one.arguments
        )
    finally:
        machine.signal(pid, _found(machine, pid).start, "SIGKILL")


def test_a_spawn_that_cannot_start_says_why(machine: Host, tmp_path: Path) -> None:
    with pytest.raises(HostFailed, match="no-such-command-here: not found"):
        machine.spawn(["no-such-command-here"], {}, str(tmp_path / "log"))
    with pytest.raises(HostFailed, match="absent/log"):
        machine.spawn(["sleep", "1"], {}, str(tmp_path / "absent/log"))
    with pytest.raises(ValueError, match="not one line"):
        machine.spawn(["sleep", "1"], {"A": "x\ny"}, str(tmp_path / "log"))


def test_a_host_that_does_not_answer_is_named_with_the_cure(ssh_spec: dict[str, object]) -> None:
    silent = host({**ssh_spec, "port": free_port()})
    with pytest.raises(HostFailed, match=r"on host far: true; seen: .*refused; cure: check addr"):
        silent.run(["true"], 5)


def test_a_key_or_host_that_is_not_known_is_refused(
    ssh_spec: dict[str, object], tmp_path: Path
) -> None:
    stranger = {**ssh_spec, "identity_file": str(key(tmp_path / "other"))}
    with pytest.raises(HostFailed, match="Permission denied"):
        host(stranger).run(["true"], 5)
    (tmp_path / "none known").write_text("")
    with pytest.raises(HostFailed, match=r"[Hh]ost key"):
        host({**ssh_spec, "known_hosts_file": str(tmp_path / "none known")}).run(["true"], 5)


def test_a_name_with_brackets_and_spaces_is_read_whole() -> None:
    line = "12 (a) b) (c) S 1 " + "0 " * 17 + "777 0 0"
    assert process(line) == Process(12, 1, 777, "S", "a) b) (c", ())


def test_a_listing_leaves_out_what_changed_while_it_was_made() -> None:
    def stat(pid: int, start: int) -> str:
        return f"/proc/{pid}/stat:{pid} (x) S 1 " + "0 " * 17 + f"{start} 0\n"

    arguments = "/proc/1/cmdline:a:b\0/proc/1/cmdline:\0/proc/1/cmdline:c\nd\0"
    text = stat(1, 5) + stat(2, 6) + "\0" + arguments + "\0" + stat(1, 5) + stat(2, 9)
    assert listed(text) == [Process(1, 1, 5, "S", "x", ("a:b", "", "c\nd"))]


def test_an_unknown_road_is_refused() -> None:
    with pytest.raises(ValueError, match='has via = \'carrier\'; use "local", "ssh"'):
        host({"name": "x", "via": "carrier"})


def test_its_errors_are_those_of_a_fault() -> None:
    assert issubclass(HostFailed, NotDone)
