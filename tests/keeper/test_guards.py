"""Guards and stops on the toy, by the real command: a no is a no, and nothing is touched."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from toy_project import ToyProject, wait_until

from firemarshal.guards import Freeze
from firemarshal.journal import Journal
from firemarshal.keeper.guarding import before_harm
from firemarshal.keeper.order import Ended, Order
from firemarshal.keeper.recoveries import carry_out, recover
from firemarshal.keeper.sentinel import why_stop
from firemarshal.keeper.stage import set_up
from firemarshal.keeper.waiting import Waiting

STANDS = """
@null
Feature: Guarded
  Scenario: guarded
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request
    Then writes return within 9 seconds
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder whose toy is taken down, with nothing left running."""
    yield tmp_path
    project = object.__new__(ToyProject)
    project.root = tmp_path
    assert not project.fault.exists()
    project.clear()
    assert project.processes() == []


def guarded(root: Path, profile: str) -> ToyProject:
    """A toy project whose profile has these lines more."""
    project = ToyProject(root, STANDS)
    path = root / "targets/lab.toml"
    path.write_text(path.read_text() + profile)
    return project


REFUSED = {
    "frozen": (
        '[guards]\nfreeze = [{ why = "year end", first = 2020-01-01 }]',
        "guard 'freeze': year end (it is",
    ),
    "a command says no": (
        '[[guards.ask]]\nname = "no incident"\nrun = ["sh", "-c", "echo INC-7; exit 1"]',
        "guard 'no incident': exit 1 INC-7",
    ),
    "a command that is not there": (
        '[[guards.ask]]\nname = "no incident"\nrun = ["no-such-command"]',
        "guard 'no incident': no-such-command: No such file",
    ),
    "nobody answers": (
        '[[guards.ask]]\nname = "no alert"\nhttp = { url = "http://127.0.0.1:1/" }',
        "guard 'no alert': <urlopen error",
    ),
    "too slow": (
        '[[guards.ask]]\nname = "no alert"\nrun = ["sleep", "9"]\nwithin_s = 0.3',
        "guard 'no alert': no end within 0.3 s",
    ),
    "nobody would be left": (
        "[guards]\nleast_healthy = 1",
        "guard 'least_healthy': 0 healthy members would be left (none), need 1",
    ),
    "too many of them": (
        "[guards]\nmost_percent = 50",
        "guard 'blast radius of null.refuse': 1 of 1 members (100 %) would be harmed, "
        "the profile allows 50 %",
    ),
    "stop condition holds before": (
        '[[stop_when]]\nname = "checkout fails"\nrun = ["false"]',
        "guard 'stop conditions': checkout fails: exit 1",
    ),
    "stop condition holds before, and would need three in a row": (
        '[[stop_when]]\nname = "checkout fails"\nrun = ["false"]\ntimes = 3',
        "guard 'stop conditions': checkout fails: exit 1",
    ),
}


@pytest.mark.parametrize(("profile", "said"), REFUSED.values(), ids=REFUSED)
def test_a_no_ends_the_drill_before_anything_is_harmed(root: Path, profile: str, said: str) -> None:
    project = guarded(root, profile)
    done = project.command("run", "features", "--target", "lab")
    result = project.result()
    assert done.returncode == 11
    assert (result["verdict"], result["code"], result["injected"]) == ("ABORTED", "guard", False)
    assert said in result["why"]
    assert [line for line in project.journal().lines if line["event"] == "undo written"] == []


def test_yes_to_everything_lets_the_drill_go_on(root: Path) -> None:
    profile = (
        "[guards]\nmost_members = 1\nfreeze = [{ why = 'long ago', last = 2020-01-01 }]\n"
        '[[guards.ask]]\nname = "no incident"\nrun = ["true"]\n'
        '[[stop_when]]\nname = "checkout fails"\nrun = ["true"]\nevery_s = 0.2\n'
    )
    project = guarded(root, profile)
    feature = root / "features/toy.feature"
    feature.write_text(feature.read_text().replace("request\n", "request for 1 second\n"))
    done = project.command("run", "features", "--target", "lab")
    assert done.returncode == 0, done.stdout + done.stderr


STOPS: dict[str, tuple[str, str]] = {
    "a file": ('file = "{root}/stop-it"', "is there"),
    "a command": ('run = ["test", "!", "-e", "{root}/stop-it"]', "exit 1"),
}


@pytest.mark.parametrize(("lines", "said"), STOPS.values(), ids=STOPS)
def test_a_stop_condition_ends_the_drill_and_heals(root: Path, lines: str, said: str) -> None:
    condition = f'[[stop_when]]\nname = "checkout fails"\nevery_s = 0.1\n{lines}\n'
    project = guarded(root, condition.replace("{root}", str(root)))
    result = stopped(project, lambda: (root / "stop-it").touch())
    assert (result["verdict"], result["code"]) == ("ABORTED", "stop-condition")
    assert "checkout fails" in result["why"] and said in result["why"]


def test_a_watcher_of_stop_conditions_that_dies_stops_the_drill(root: Path) -> None:
    project = guarded(root, '[[stop_when]]\nname = "checkout fails"\nfile = "/nowhere/stop"\n')

    def kill() -> None:
        found = [one for one in project.processes() if "sentinel" in one]
        os.kill(int(found[0].split()[0]), 9)

    result = stopped(project, kill)
    assert (result["code"], "died" in result["why"]) == ("stop-condition", True)


def test_a_person_stops_it_from_another_terminal(root: Path) -> None:
    project = guarded(root, "")

    def stop() -> None:
        done = project.command("stop", "--target", "lab", "--why", "customers call")
        assert done.returncode == 0, done.stderr
        assert "toy: ended, healed" in done.stdout

    result = stopped(project, stop)
    assert (result["verdict"], result["code"]) == ("ABORTED", "person")
    assert result["why"].endswith(": customers call")
    nobody = project.command("stop", "--target", "lab")
    assert (nobody.returncode, "no drill runs" in nobody.stderr) == (4, True)


def stopped(project: ToyProject, how: Any) -> dict[str, Any]:
    """The result of a drill that was stopped while its fault stood."""
    run = project.start()
    project.wait_for_event("watching")
    at = time.monotonic()
    how()
    wait_until(lambda: not project.fault.exists(), 10, "the fault still stood")
    print(f"healed {time.monotonic() - at:.2f} s after the stop")
    run.communicate(timeout=60)
    assert run.returncode == 11
    assert project.journal().sound
    return project.result()


BAD = {
    "two ways": (
        '[[guards.ask]]\nname = "abc"\nrun = ["true"]\nhttp = { url = "http://x/" }',
        "need one",
    ),
    "no way": ('[[stop_when]]\nname = "abc"', "asks nothing; need one"),
    "no time": ('[guards]\nfreeze = [{ why = "always" }]', "says no time"),
    "turned round": (
        '[guards]\nfreeze = [{ why = "xxx", first = 2026-02-01, last = 2026-01-01 }]',
        "is before first",
    ),
    "an hour no clock shows": (
        '[guards]\nfreeze = [{ why = "xxx", hours = "25:00-26:00" }]',
        "hour",
    ),
    "no hour": (
        '[guards]\nfreeze = [{ why = "xxx", hours = "22:00-22:00" }]',
        "leave hours out for the whole day",
    ),
    "every hour": (
        '[guards]\nfreeze = [{ why = "xxx", hours = "00:00-24:00" }]',
        "leave hours out for the whole day",
    ),
    "an unknown zone": ('[guards]\ntime_zone = "Mars/Base"', "is no time zone"),
    "a misspelt day": ('[guards]\nfreeze = [{ why = "xxx", days = ["friday"] }]', "fri"),
    "percent": ("[guards]\nmost_percent = 500", "100"),
}


@pytest.mark.parametrize(("profile", "said"), BAD.values(), ids=BAD)
def test_a_guard_with_a_mistake_is_refused_with_its_file(
    tmp_path: Path, profile: str, said: str
) -> None:
    done = guarded(tmp_path, profile).command("check", "features", "--target", "lab")
    assert done.returncode == 4
    assert "targets/lab.toml" in done.stderr + done.stdout
    assert said in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("hours", "at", "held"),
    [
        ("22:00-06:00", "23:30", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "06:00", False),
        ("18:00-24:00", "23:59", True),
        ("18:00-24:00", "00:00", False),
        ("00:00-06:00", "00:00", True),
    ],
)
def test_hours_hold_as_a_clock_shows_them(hours: str, at: str, held: bool) -> None:
    now = datetime.fromisoformat(f"2026-03-04T{at}+00:00")
    assert Freeze(why="night", hours=hours).holds(now) is held


class Sick(BaseHTTPRequestHandler):
    """A service that answers, until the file of its path is there: then it is sick in that way."""

    root: ClassVar[Path]

    def do_GET(self) -> None:
        way = self.path.strip("/")
        if way == "moved":
            self.send_response(302)
            self.send_header("Location", "/login")
            self.end_headers()
        elif (self.root / way / "sick").exists():
            getattr(self, way)()
        else:
            self.send_response(200)
            self.end_headers()

    def stalls(self) -> None:
        """Says no, and then nothing more."""
        self.send_response(503)
        self.send_header("Content-Length", "100")
        self.end_headers()
        time.sleep(5)

    def dribbles(self) -> None:
        """Byte after byte, so that no single one is late."""
        for byte in b"HTTP/1.0 200 OK\r\nX: " + b"x" * 60:
            with suppress(OSError):
                self.wfile.write(bytes([byte]))
            time.sleep(0.1)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    """The address of the service."""
    handler = type("Here", (Sick,), {"root": tmp_path})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


SHORT = ("request\n", "request for 1 second\n")


def test_whatever_keeps_a_condition_from_answering_stops_the_drill(
    tmp_path: Path, service: str
) -> None:
    """Several drills at a time, because they mostly wait."""
    cases = {
        "stalls": ("no answer within 0.5 s", lambda project: (project.root / "sick").touch()),
        "dribbles": ("no answer within 0.5 s", lambda project: (project.root / "sick").touch()),
        "frozen": ("nobody has asked the stop conditions for 3 s", freeze_the_sentinel),
    }

    def drill(name: str) -> tuple[dict[str, Any], list[str]]:
        (tmp_path / name).mkdir()
        condition = f'http = {{ url = "{service}/{name}" }}\nwithin_s = 0.5\nevery_s = 0.1'
        project = guarded(tmp_path / name, f'[[stop_when]]\nname = "checkout"\n{condition}\n')
        try:
            result = stopped(project, lambda: cases[name][1](project))
        finally:
            project.clear()
        return result, project.processes()

    with ThreadPoolExecutor(3) as pool:
        ended = dict(zip(cases, pool.map(drill, cases), strict=True))
    for name, (result, left) in ended.items():
        assert (result["verdict"], result["code"]) == ("ABORTED", "stop-condition"), name
        assert cases[name][0] in result["why"]
        assert left == []


def freeze_the_sentinel(project: ToyProject) -> None:
    """It neither ends nor asks."""
    found = [one for one in project.processes() if "sentinel" in one]
    os.kill(int(found[0].split()[0]), signal.SIGSTOP)


def test_a_question_that_cannot_be_asked_is_a_no(tmp_path: Path) -> None:
    """A path that the file system cannot look up is not a file that is not there."""
    configuration = {"target": "t", "drill": "d", "system": {"name": "x", "members": []}}
    condition: dict[str, Any] = {"name": "cord", "file": "/x" * 3000, "http": None, "run": []}
    assert "too long" in why_stop(condition, configuration, str(tmp_path))
    assert why_stop({**condition, "file": "/nowhere/stop"}, configuration, str(tmp_path)) == ""


def test_no_question_outlives_its_drill(root: Path) -> None:
    """A long question before, a command of a condition that hangs while the drill ends."""
    hangs = f"""run = ["sh", "-c", "test ! -e '{root}/hang' || sleep 61"]"""
    profile = (
        '[[guards.ask]]\nname = "slow"\nrun = ["sleep", "6"]\n'
        f'[[stop_when]]\nname = "hangs"\n{hangs}\nwithin_s = 50\nevery_s = 0.1\n'
        '[[stop_when]]\nname = "quick"\nfile = "/nowhere/stop"\nwithin_s = 0.5\n'
    )
    project = guarded(root, profile)
    feature = root / "features/toy.feature"
    feature.write_text(feature.read_text().replace(*SHORT))
    run = project.start()
    project.wait_for_event("watching")
    (root / "hang").touch()
    wait_until(lambda: any("sleep 61" in one for one in project.processes()), 10, "no question")
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 0, out
    assert [one for one in project.processes() if "sleep" in one or "sentinel" in one] == []


@pytest.mark.parametrize("then", ["heal", "run"])
def test_a_question_of_a_killed_keeper_is_ended_by_whoever_comes_next(
    root: Path, then: str
) -> None:
    asks = (
        f"""run = ["sh", "-c", "test -e '{root}/again' || {{ touch '{root}/again'; sleep 62; }}"]"""
    )
    project = guarded(root, f'[[guards.ask]]\nname = "slow"\nwithin_s = 60\n{asks}\n')
    feature = root / "features/toy.feature"
    feature.write_text(feature.read_text().replace(*SHORT))
    run = project.start()
    asked = lambda: [one for one in project.processes() if "sleep 62" in one]  # noqa: E731
    wait_until(lambda: len(asked()) == 2, 30, "nothing was asked")
    house = next(one for one in project.processes() if "keeper.server" in one).split()[0]
    for pid in (run.pid, int(house), project.keeper_pid()):
        os.kill(pid, signal.SIGKILL)
    run.communicate(timeout=30)
    assert asked() != []
    words = ("heal",) if then == "heal" else ("run", "features")
    done = project.command(*words, "--target", "lab")
    assert done.returncode == 0, done.stdout + done.stderr
    assert asked() == []


def test_what_a_killed_sentinel_asked_is_ended_by_the_next_heal(root: Path) -> None:
    """Keeper and sentinel die together while a condition's command hangs."""
    hangs = f"""run = ["sh", "-c", "test ! -e '{root}/hang' || sleep 63"]"""
    condition = f'[[stop_when]]\nname = "hangs"\n{hangs}\nwithin_s = 50\nevery_s = 0.1\n'
    project = guarded(root, condition)
    run = project.start()
    project.wait_for_event("watching")
    (root / "hang").touch()
    wait_until(lambda: "sleep 63" in str(project.processes()), 10, "no question")
    kept = [one for one in project.processes() if "sentinel" in one or "keeper.server" in one]
    for pid in (run.pid, project.keeper_pid(), *(int(one.split()[0]) for one in kept)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    run.communicate(timeout=30)
    assert "sleep 63" in str(project.processes())
    assert project.command("heal", "--target", "lab").returncode == 0
    assert "sleep 63" not in str(project.processes())


def test_a_freeze_is_asked_again_before_each_act(root: Path) -> None:
    """A window may begin after the first question: the same stage, with the window of then."""
    project = guarded(root, "")
    feature = root / "features/toy.feature"
    feature.write_text(feature.read_text().replace(*SHORT))
    assert project.command("run", "features", "--target", "lab").returncode == 0
    opened = project.journal().lines[0]
    guards = {"freeze": [{"why": "nobody is awake", "first": "2020-01-01"}]}
    target = {"name": "lab", "guards": guards}
    place = (str(root), str(root / ".firemarshal/state"))
    order = Order("r1", 1, *place, opened["drill"], target, {}, os.getpid(), {}, "")
    ours, theirs = socket.socketpair()
    journal = Journal(root / "journal.jsonl", "keeper", lambda line: None)
    stage = set_up(order, journal, Waiting(theirs, os.getpid()))
    acts: list[Callable[[], None]] = [
        lambda: before_harm(stage, "toy", "null.refuse", [{"name": "toy-1"}]),
        lambda: recover(stage, {"recovery": "null.answer_again", "system": "toy"}),
        lambda: carry_out(stage, {"runbook": "help", "system": "toy"}),
    ]
    for act in acts:
        with pytest.raises(Ended, match=r"guard 'freeze': nobody is awake \(it is"):
            act()
    journal.close()
    ours.close()
