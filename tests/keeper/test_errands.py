"""What commands and requests of a team may do: anything, and the drill knows the end of it."""

import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from own_sshd import MISSING, free_port, sshd
from toy_project import wait_until

from firemarshal import secrets
from firemarshal.keeper import commands, errands
from firemarshal.keeper.commands import BothEnds
from firemarshal.keeper.sentinel import Question
from firemarshal.keeper.stragglers import end_session, everything, look
from firemarshal.keeper.verbs import Answer, Call, run_verb
from firemarshal.keeper.waiting import Waiting

CONFIGURATION = {"target": "t", "drill": "d", "system": {"name": "x", "members": []}}
SERVES = {"serves": 0}


class Odd(BaseHTTPRequestHandler):
    """A service that is sick in every way, by the path it is asked for."""

    def do_GET(self) -> None:
        if self.path == "/login":
            SERVES["serves"] += 1
            self._say(200, b"please log in")
        elif self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/login")
            self.end_headers()
        elif self.path == "/stalls":
            self.send_response(503)
            self.send_header("Content-Length", "100")
            self.end_headers()
            time.sleep(1)
        else:
            self._say(200, b"fine")

    do_POST = do_GET  # noqa: N815 - the name is the library's

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of the sick service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(url: str, expect: list[int] | None = None, timeout_s: float = 5) -> dict[str, Any]:
    """One request."""
    return errands.request(url, "POST", {}, {}, expect or [], timeout_s, CONFIGURATION)


def test_a_page_to_log_in_to_is_no_success(service: str) -> None:
    before = SERVES["serves"]
    answer = ask(f"{service}/moved")
    assert (answer["ok"], answer["answer"]) == (False, "HTTP 302")
    assert SERVES["serves"] == before, "somebody else was asked, with the same headers"
    assert ask(f"{service}/moved", [302])["ok"] is True


def test_a_sick_service_that_says_no_slowly_still_says_no(service: str) -> None:
    answer = ask(f"{service}/stalls", timeout_s=0.2)
    assert (answer["ok"], answer["answer"]) == (False, "HTTP 503, then timed out")
    assert ask(f"{service}/fine") == {"ok": True, "answer": "HTTP 200", "said": "fine"}


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    ours, theirs = socket.socketpair()
    yield Waiting(theirs, os.getpid())
    ours.close()


def step(
    waiting: Waiting,
    folder: Path,
    script: str,
    timeout_s: float = 5,
    shell: str = "sh",
    system: dict[str, Any] | None = None,
) -> Answer:
    """A runbook's command as the keeper runs it, in a verb's child; on the system's `x-1`."""
    words = {"FIREMARSHAL_STEP": "it's step 1"}
    given = {"argv": [shell, "-c", script], "timeout_s": timeout_s, "words": words}
    given |= {"folder": str(folder), "log": str(folder / "step.log"), "on": "x-1" * bool(system)}
    configuration = {**CONFIGURATION, "system": system or CONFIGURATION["system"]}
    call = Call("step", errands.__name__, "command", given, configuration, leaves_running=True)
    log = folder / "verbs.log"
    return run_verb(call, timeout_s + 5, waiting, log, heed=True, forked=lambda pid: None)


def running(folder: Path) -> list[str]:
    """What still works in the folder."""
    found = []
    for one in everything():
        with suppress(OSError):
            if one.lives and Path(f"/proc/{one.pid}/cwd").readlink() == folder:
                found.append(f"{one.pid} {one.name}")
    return found


FAILING = {
    "fails": ("(sleep 0.8; touch fault) & exit 1", "sh", 5.0, "exit 1"),
    "fails in another session": (
        "setsid sh -c 'sleep 0.8; touch fault' & sleep 0.2; exit 1",
        "sh",
        5.0,
        "exit 1",
    ),
    "late": ("(sleep 0.8; touch fault) & sleep 60", "sh", 0.3, "no end within 0.3 s, ended"),
    "late in other groups": (
        "set -m; (sleep 0.8; touch fault) & sleep 60",
        "bash",
        0.3,
        "no end within 0.3 s, ended",
    ),
}


@pytest.mark.parametrize(("script", "shell", "timeout_s", "said"), FAILING.values(), ids=FAILING)
def test_what_a_step_that_failed_has_started_is_ended(
    waiting: Waiting, tmp_path: Path, script: str, shell: str, timeout_s: float, said: str
) -> None:
    answer = step(waiting, tmp_path, script, timeout_s, shell)
    assert (answer.value["ok"], answer.value["answer"]) == (False, said)
    assert answer.value["left"] == []
    assert running(tmp_path) == []
    time.sleep(1)
    assert not (tmp_path / "fault").exists()


def test_what_a_good_step_leaves_running_is_told_and_can_go_on_talking(
    waiting: Waiting, tmp_path: Path
) -> None:
    """It holds the step's output: that neither delays the end nor kills it when it writes."""
    script = "(trap '' HUP; while sleep 0.1; do echo more; touch works; done) & echo begun; exit 0"
    answer = step(waiting, tmp_path, script, 60)
    assert answer.after_us - answer.before_us < 30_000_000
    assert (answer.value["ok"], answer.value["said"]) == (True, "begun")
    pid, name = answer.value["left"][0].split()
    assert name == "sh"
    try:
        (tmp_path / "works").unlink(missing_ok=True)
        wait_until((tmp_path / "works").exists, 10, "it does not work any more")
        (tmp_path / "works").unlink()
        wait_until((tmp_path / "works").exists, 10, "it died of its own words")
    finally:
        left = look(int(pid))
        assert left, "it did not live on"
        end_session(left.session)
    wait_until(lambda: running(tmp_path) == [], 10, "it still runs")


def test_a_question_leaves_nothing_even_when_it_is_answered(tmp_path: Path) -> None:
    """In a process of its own, as the sentinel asks."""
    asks = {"name": "asks", "file": "", "http": None, "within_s": 5, "every_s": 1, "times": 1}
    script = "setsid sleep 60 & sleep 60 & sleep 0.2"
    asked = Question({**asks, "run": ["sh", "-c", script]}, CONFIGURATION, str(tmp_path))
    while (why := asked.answer()) is None:
        time.sleep(0.01)
    assert (why, running(tmp_path)) == ("", [])


def test_output_without_end_is_bounded(waiting: Waiting, tmp_path: Path) -> None:
    answer = step(waiting, tmp_path, "echo begun; yes; echo never", 1)
    assert answer.value["answer"] == "no end within 1 s, ended"
    log = (tmp_path / "step.log").read_text()
    assert log.startswith("begun\ny\n")
    assert "bytes are left out here]" in log
    assert len(log) < 2 * commands.MOST_KEPT + 200


@pytest.mark.parametrize("total", [10, 3 * commands.MOST_KEPT, 9 * commands.MOST_KEPT])
def test_both_ends_are_kept_and_a_cut_shows_no_half_of_a_secret(
    total: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "hunter2-of-the-sh"
    monkeypatch.setenv("SHOP_PASSWORD", secret)
    secrets.hide_also(["SHOP_PASSWORD"])
    text = "begin" + secret * (total // len(secret)) + "end"
    heard = BothEnds()
    for at in range(0, len(text), 50_001):
        heard.add(text[at : at + 50_001].encode())
    said = heard.text()
    assert said.startswith("begin") and said.endswith("end")
    assert "hunter" not in said
    assert len(said) <= 2 * commands.MOST_KEPT + 100


def test_a_command_that_is_not_there_is_no_answer(waiting: Waiting, tmp_path: Path) -> None:
    answer = step(waiting, tmp_path, "true", shell="no-such-shell")
    assert (answer.status, answer.error_type) == ("raised", "NotDone")
    assert "no-such-shell: No such file" in answer.error


def test_the_code_of_a_command_that_ends_its_own_group_is_told(
    waiting: Waiting, tmp_path: Path
) -> None:
    assert step(waiting, tmp_path, "kill -TERM 0").value["answer"] == "exit -15"
    found = step(waiting, tmp_path, f"exec '{sys.executable}' -c 'print(6 * 7)'").value
    assert (found["answer"], found["said"]) == ("exit 0", "42")


@pytest.fixture(scope="module")
def far() -> Iterator[dict[str, Any]]:
    """A system whose only member lives behind the test's own sshd."""
    if MISSING:
        pytest.skip(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="firemarshal-ssh-"))
    try:
        with sshd(folder) as spec:
            member = {"name": "x-1", "host": spec["name"]}
            yield {"name": "x", "members": [member], "hosts": [spec]}
    finally:
        shutil.rmtree(folder)


def test_a_far_step_ends_when_its_command_does(
    waiting: Waiting, far: dict[str, Any], tmp_path: Path
) -> None:
    """Whoever holds its output there; and the words for it arrive there."""
    script = f"sleep 60 & echo $! >{tmp_path}/pid; echo $FIREMARSHAL_STEP"
    answer = step(waiting, tmp_path, script, 30, system=far)
    found = look(int((tmp_path / "pid").read_text()))
    assert found and found.lives, "it did not live on"
    os.kill(found.pid, signal.SIGKILL)
    assert (answer.value["answer"], answer.value["said"]) == ("exit 0", "it's step 1")


def test_a_far_step_that_fails_or_is_late_leaves_nothing(
    waiting: Waiting, far: dict[str, Any], tmp_path: Path
) -> None:
    begin = f"cd {tmp_path}; sleep 60 & "
    failed = step(waiting, tmp_path, f"{begin} echo no; exit 3", 30, system=far).value
    assert (failed["ok"], failed["answer"], failed["said"]) == (False, "exit 3", "no")
    assert running(tmp_path) == []
    late = step(waiting, tmp_path, f"{begin} echo slow; sleep 60", 0.5, system=far).value
    assert (late["ok"], late["answer"]) == (False, "no end within 0.5 s, ended")
    assert late["said"] == "slow"
    wait_until(lambda: running(tmp_path) == [], 10, "it still runs")


def test_a_far_machine_that_is_not_there_is_told_with_its_cure(
    waiting: Waiting, tmp_path: Path
) -> None:
    spec = {"name": "far", "via": "ssh", "address": "127.0.0.1", "port": free_port()}
    system = {"name": "x", "members": [{"name": "x-1", "host": "far"}], "hosts": [spec]}
    answer = step(waiting, tmp_path, "true", 5, system=system)
    assert (answer.status, answer.error_type) == ("raised", "HostFailed")
    assert "on host far: sh " in answer.error and "cure: check address" in answer.error
