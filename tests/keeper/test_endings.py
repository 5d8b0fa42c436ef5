"""However a drill ends, no fault stays: every signal and every death, at five moments."""

import os
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from toy_project import ToyProject, wait_until

Running = subprocess.Popen[str]
AT_ONCE = 3
MOMENTS = ("recording", "undo written", "disaster", "watching", "healed")
SIGNALS = {
    "SIGINT once": [signal.SIGINT],
    "SIGINT three times": [signal.SIGINT] * 3,
    "SIGTERM": [signal.SIGTERM],
    "SIGHUP": [signal.SIGHUP],
}


def begun(project: ToyProject, moment: str) -> Running:
    running = project.start()
    project.wait_for_event(moment)
    return running


def at_every_moment(tmp_path: Path, check: Callable[[ToyProject, str], None]) -> None:
    """The check at each moment, each on a toy of its own, some at a time: they mostly wait."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tries = {
            moment: pool.submit(check, ToyProject(tmp_path / moment.replace(" ", "-")), moment)
            for moment in MOMENTS
        }
    failed = {moment: one.exception() for moment, one in tries.items() if one.exception()}
    assert not failed, "\n".join(f"{moment}: {problem!r}" for moment, problem in failed.items())


def output(running: Running) -> str:
    said, _ = running.communicate(timeout=40)
    return said


def assert_healed_soon(project: ToyProject) -> None:
    wait_until(lambda: not project.fault.exists(), 5, "the fault still stood")
    wait_until(lambda: not project.undos(), 5, "an undo file was still there")


def assert_told(project: ToyProject, code: str) -> None:
    """The result says ABORTED and why; one that was judged already may keep its verdict."""
    result = project.result()
    assert result["verdict"] in ("ABORTED", "FAILED")
    assert result["verdict"] == "FAILED" or result["code"] == code
    assert result["target_after"] in ("as found", "unknown")
    reading = project.journal()
    assert reading.sound
    assert reading.lines[0]["event"] == "opened"
    drill = project.summary()["drills"][0]
    assert drill["verdict"] == result["verdict"]


def assert_nothing_left(project: ToyProject) -> None:
    project.clear()
    wait_until(lambda: not project.processes(), 10, f"left: {project.processes()}")
    assert not list((project.root / ".firemarshal/state").glob("*/*/*.made.json"))


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_to_the_runner_heals_and_aborts(tmp_path: Path, name: str) -> None:
    """One signal is enough, and more of them break nothing."""

    def check(project: ToyProject, moment: str) -> None:
        running = begun(project, moment)
        for number in SIGNALS[name]:
            running.send_signal(number)
        said = output(running)
        assert running.returncode == 11, said
        assert "Traceback" not in said
        assert_healed_soon(project)
        assert_told(project, "signal")
        assert_nothing_left(project)

    at_every_moment(tmp_path, check)


def test_the_keeper_heals_when_the_runner_is_killed(tmp_path: Path) -> None:
    """SIGKILL of the runner: nobody is left to ask, and the fault goes all the same."""

    def check(project: ToyProject, moment: str) -> None:
        running = begun(project, moment)
        running.kill()
        output(running)
        assert_healed_soon(project)
        wait_until(lambda: (project.drill() / "verdict.json").exists(), 20, "no verdict")
        wait_until(lambda: (project.root / "runs/latest/summary.json").exists(), 5, "no summary")
        assert_told(project, "runner-lost")
        assert project.journal().sealed
        assert_nothing_left(project)

    at_every_moment(tmp_path, check)


def test_another_keeper_heals_when_the_keeper_is_killed(tmp_path: Path) -> None:
    """SIGKILL of the keeper: the runner notices, has it healed, and says so."""

    def check(project: ToyProject, moment: str) -> None:
        running = begun(project, moment)
        os.kill(project.keeper_pid(), signal.SIGKILL)
        said = output(running)
        assert running.returncode == 11, said
        assert "Traceback" not in said
        assert_healed_soon(project)
        assert_told(project, "keeper-lost")
        assert_nothing_left(project)

    at_every_moment(tmp_path, check)


def test_the_next_run_refuses_when_everything_was_killed(tmp_path: Path) -> None:
    """Runner, keepers' house and keeper at once: the next run says what to type, and it cures."""

    def check(project: ToyProject, moment: str) -> None:
        running = begun(project, moment)
        kill_everything(project, running)
        if project.undos():
            refused = project.command("run", "features", "--target", "lab")
            assert refused.returncode == 20, refused.stdout + refused.stderr
            assert "firemarshal heal --target lab" in refused.stdout + refused.stderr
            assert project.command("status", "--target", "lab").returncode == 20
        healed = project.command("heal", "--target", "lab")
        assert healed.returncode == 0, healed.stdout + healed.stderr
        assert_healed_soon(project)
        assert project.command("status", "--target", "lab").returncode == 0
        assert_nothing_left(project)

    at_every_moment(tmp_path, check)


def kill_everything(project: ToyProject, running: Running) -> None:
    """SIGKILL to all at once, the house first, so that none of them can help another."""
    keeper = project.keeper_pid()
    house = int(Path(f"/proc/{keeper}/stat").read_text().rpartition(")")[2].split()[1])
    for pid in (house, keeper, running.pid):
        os.kill(pid, signal.SIGSTOP)
    for pid in (house, keeper, running.pid):
        os.kill(pid, signal.SIGKILL)
    running.communicate(timeout=10)


def test_a_stopped_runner_is_taken_for_lost(tmp_path: Path) -> None:
    """A runner that stands still for longer than its lease must not keep a fault standing."""
    project = ToyProject(tmp_path, watch_beyond_s=15)
    running = begun(project, "watching")
    running.send_signal(signal.SIGSTOP)
    wait_until(lambda: not project.fault.exists(), 12, "the fault still stood")
    running.send_signal(signal.SIGCONT)
    output(running)
    assert running.returncode == 11
    assert_told(project, "runner-lost")
    assert_nothing_left(project)


def test_a_stopped_keeper_is_replaced(tmp_path: Path) -> None:
    """A keeper that stands still is ended by the runner, and another one heals."""
    project = ToyProject(tmp_path, watch_beyond_s=25, give_up_after_s=29)
    running = begun(project, "watching")
    os.kill(project.keeper_pid(), signal.SIGSTOP)
    said = output(running)
    assert running.returncode == 11, said
    assert "stands still" in said
    assert_healed_soon(project)
    assert_told(project, "keeper-lost")
    assert_nothing_left(project)


def test_no_fault_stands_longer_than_max_hold(tmp_path: Path) -> None:
    """The profile's limit ends a fault even while everybody is well and watching."""
    project = ToyProject(tmp_path, watch_beyond_s=20, give_up_after_s=2.5, max_hold_s=2.5)
    project.root.joinpath("features/toy.feature").write_text(
        project.root.joinpath("features/toy.feature").read_text().replace("2 seconds", "9 seconds")
    )
    done = project.command("run", "features", "--target", "lab")
    assert done.returncode in (10, 11), done.stdout
    assert not project.fault.exists()
    assert_nothing_left(project)


def test_the_recorder_ends_with_the_drill_it_was_killed_in(tmp_path: Path) -> None:
    """SIGKILL of the recorder: nobody could see, so the drill is INVALID and healed."""
    project = ToyProject(tmp_path)
    running = begun(project, "watching")
    recorders = [text for text in project.processes() if "firemarshal.probes.recorder" in text]
    os.kill(int(recorders[0].split()[0]), signal.SIGKILL)
    said = output(running)
    assert running.returncode == 10, said
    assert project.result()["code"] == "recorder-lost"
    assert_healed_soon(project)
    assert_nothing_left(project)
