"""A real run on a real terminal, in a pipe, and where the reader goes away in the middle."""

import os
import pty
import re
import struct
import subprocess
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest
from toy_project import COMMAND, ToyProject

FEATURE = """
@null
Feature: Seen
  Scenario: 서버가 잠깐 거절한다
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request for 1 second
    Then writes return within 10 seconds

  Scenario: it is too slow
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request for 1 second
    Then writes return within 200 ms
"""
RUN = (*COMMAND, "run", "features", "--target", "lab")


@pytest.fixture
def project(tmp_path: Path) -> ToyProject:
    made = ToyProject(tmp_path / "toy", FEATURE)
    (made.root / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = "-p no:randomly"'
    )
    return made


def start(
    project: ToyProject, columns: int, **environment: str
) -> "tuple[int, subprocess.Popen[bytes]]":
    """A run on a terminal of that width: our end of it, and the process."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    wanted = {key: one for key, one in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
    process = subprocess.Popen(
        RUN,
        cwd=project.root,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**wanted, "TERM": "xterm", **environment},
        start_new_session=True,
    )
    os.close(theirs)
    return ours, process


def ended(ours: int, process: "subprocess.Popen[bytes]") -> tuple[int, str]:
    """Read to the end: the exit code, and all that was written."""
    data = b""
    while True:
        try:
            data += os.read(ours, 65536)
        except OSError:  # the last process has closed its end
            break
    os.close(ours)
    return process.wait(timeout=60), data.decode()


def on_a_terminal(project: ToyProject, columns: int, **environment: str) -> tuple[int, str]:
    return ended(*start(project, columns, **environment))


def test_on_a_terminal_the_run_is_drawn_and_ends_with_what_matters(project: ToyProject) -> None:
    code, text = on_a_terminal(project, 120)
    assert code == 1
    for wanted in ("of 10 s", "writes: down for", "the fault ends in", "Ctrl-C: heals and stops"):
        assert wanted in text
    assert "1 not as it must so far" not in text.split("2/2")[0]
    end = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text.rpartition("\x1b[J")[2])
    assert "PASSED  1/2 서버가 잠깐 거절한다" in re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    assert "2 drills: 1 PASSED, 1 FAILED" in end
    assert "=== FAILURES" not in text, "what pytest would say again is left out"


def test_without_colours_and_without_a_cursor(project: ToyProject) -> None:
    code, text = on_a_terminal(project, 80, TERM="dumb")
    assert code == 1 and "\x1b" not in text


def test_a_pipe_holds_plain_lines(project: ToyProject) -> None:
    done = subprocess.run(RUN, cwd=project.root, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", done.stdout + done.stderr)
    assert len(done.stdout.splitlines()) < 50


def test_where_the_reader_goes_away_the_drills_go_on(project: ToyProject) -> None:
    process = subprocess.Popen(RUN, cwd=project.root, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    verdicts = [one["verdict"] for one in project.summary()["drills"]]
    assert verdicts == ["PASSED", "FAILED"]
    assert not project.processes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("features", "-k", "nothing"), "no drill was run: all 2 that were found were deselected"),
        (("targets",), "no drill was run: none was found"),
    ],
)
def test_where_nothing_ran_it_is_said(
    project: ToyProject, words: tuple[str, ...], said: str
) -> None:
    done = project.command("run", *words, "--target", "lab")
    assert done.returncode == 5 and said in done.stdout


def test_a_terminal_that_is_held_up_ends_no_drill(project: ToyProject) -> None:
    """Ctrl-S stops all output; a runner that waits for it would be taken for dead after 5 s."""
    path = project.root / "features/toy.feature"
    path.write_text(
        path.read_text().split("  Scenario: it is too slow")[0].replace("1 sec", "9 sec")
    )
    ours, process = start(project, 100)
    data = b""
    while b"writes: down" not in data:
        data += os.read(ours, 65536)
    os.write(ours, b"\x13")
    time.sleep(7)
    os.write(ours, b"\x11")
    code, text = ended(ours, process)
    assert code == 0, text
    assert "PASSED" in text
