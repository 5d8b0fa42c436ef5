"""Two machines and one system: two projects of their own drill the same toy, which is no lab."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from toy_project import STANDS, ToyProject, wait_until

PROFILE = """
name = "staging"
environment = "staging"
give_up_after_s = 20
watch_beyond_s = 1
heal_within_s = 5
max_hold_s = 30
[[systems]]
name = "toy"
kind = "null"
identity = {{ uuid = "{uuid}" }}
recorder = {{ baseline_s = 0.9, window_s = 0.5 }}
[[systems.members]]
name = "toy-1"
address = "127.0.0.1"
port = {port}
folder = "{folder}"
"""


class Machine(ToyProject):
    """A project that reaches the toy by a profile of its own, as another machine would."""

    def __init__(self, root: Path, member: dict[str, str], uuid: str) -> None:
        super().__init__(root, STANDS.replace("2 seconds", "18 seconds"))
        text = PROFILE.format(uuid=uuid, port=member["port"], folder=member["folder"])
        (root / "targets/staging.toml").write_text(text)
        self.folder = Path(member["folder"])

    @property
    def tombstone(self) -> Path:
        """Where it stands, beside the toy."""
        return self.folder / "tombstone.json"


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    """Two of them, and the toy that a third project made."""
    owner = ToyProject(tmp_path / "owner", STANDS)
    assert owner.command("lab", "up").returncode == 0
    table = orjson.loads((owner.root / ".firemarshal/lab/toy/system.json").read_bytes())
    uuid = (owner.root / ".firemarshal/lab/toy/uuid").read_text().strip()
    first, second = (
        Machine(tmp_path / name, table["members"][0], uuid) for name in ("first", "second")
    )
    try:
        yield first, second
        assert not first.tombstone.exists()
        assert not (first.folder / "fault.refuse").exists()
    finally:
        owner.clear()
    for one in (first, second, owner):
        assert one.processes() == []
        assert one.undos() == []


def begun(machine: Machine, event: str) -> "tuple[object, int]":
    """A drill under way on staging, up to an event of its journal."""
    import subprocess
    import sys

    words = [sys.executable, "-m", "firemarshal.cli", "run", "features", "--target", "staging"]
    run = subprocess.Popen(
        words,
        cwd=machine.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    machine.wait_for_event(event)
    return run, run.pid


def kill_everything(machine: Machine, run: object, pid: int) -> None:
    """Runner, house and keeper at once: the machine is gone."""
    house = next(one for one in machine.processes() if "keeper.server" in one).split()[0]
    for one in (pid, int(house), machine.keeper_pid()):
        os.kill(one, signal.SIGKILL)
    run.communicate(timeout=30)  # type: ignore[attr-defined]


def test_two_machines_cannot_drill_one_system_at_once(
    machines: tuple[Machine, Machine],
) -> None:
    first, second = machines
    run, pid = begun(first, "watching")
    told = second.command("run", "features", "--target", "staging")
    result = second.result()
    assert (told.returncode, result["code"], result["injected"]) == (11, "lock", False)
    assert "system 'toy' is being drilled by 'The toy refuses" in result["why"]
    refused = second.command("heal", "--target", "staging")
    assert refused.returncode == 20
    assert "--even-if-held" in refused.stdout
    assert (first.folder / "fault.refuse").exists()  # nobody has healed it under the first
    os.kill(pid, signal.SIGINT)
    run.communicate(timeout=30)  # type: ignore[attr-defined]


def test_another_machine_heals_what_a_dead_one_left(machines: tuple[Machine, Machine]) -> None:
    first, second = machines
    run, pid = begun(first, "watching")
    kill_everything(first, run, pid)
    assert (first.folder / "fault.refuse").exists()
    healed = second.command("heal", "--target", "staging", "--even-if-held")
    assert healed.returncode == 0, healed.stdout + healed.stderr
    assert not (first.folder / "fault.refuse").exists()
    assert not first.tombstone.exists()
    late = first.command("heal", "--target", "staging")  # its own undo files are still there
    assert late.returncode == 0, late.stdout + late.stderr


def test_a_tombstone_that_has_run_out_is_taken_over(machines: tuple[Machine, Machine]) -> None:
    first, second = machines
    run, pid = begun(first, "watching")
    kill_everything(first, run, pid)
    standing = orjson.loads(first.tombstone.read_bytes())
    value = {**orjson.loads(standing["told"]), "until": "2020-01-01T00:00:00Z"}
    standing["told"] = orjson.dumps(value).decode()
    first.tombstone.write_bytes(orjson.dumps(standing))
    assert second.command("heal", "--target", "staging").returncode == 0
    assert first.command("heal", "--target", "staging").returncode == 0


def test_a_tombstone_with_half_an_undo_is_refused_as_often_as_it_is_read(
    machines: tuple[Machine, Machine],
) -> None:
    """Else the second healing would take the first half for all of it, and take it away."""
    first, second = machines
    run, pid = begun(first, "watching")
    kill_everything(first, run, pid)
    whole = first.tombstone.read_bytes()
    standing = orjson.loads(whole)
    value = orjson.loads(standing["told"])
    value["undos"].append({"fault": "null.hang"})
    standing["told"] = orjson.dumps(value).decode()
    first.tombstone.write_bytes(orjson.dumps(standing))
    for _ in range(2):
        told = second.command("heal", "--target", "staging", "--even-if-held")
        assert told.returncode == 20
        assert "undo 1 of the tombstone on toy has no" in told.stdout
        assert first.tombstone.exists()
    value["undos"] = [{**orjson.loads(orjson.loads(whole)["told"])["undos"][0], "module": "shutil"}]
    standing["told"] = orjson.dumps(value).decode()
    first.tombstone.write_bytes(orjson.dumps(standing))
    told = second.command("heal", "--target", "staging", "--even-if-held")
    assert (told.returncode, "names 'shutil', no fault" in told.stdout) == (20, True)
    first.tombstone.write_bytes(whole)
    healed = second.command("heal", "--target", "staging", "--even-if-held")
    assert "toy: healed, and proved" in healed.stdout
    again = second.command("heal", "--target", "staging")
    assert "toy: nothing stands" in again.stdout
    assert first.command("heal", "--target", "staging").returncode == 0


def test_a_damaged_tombstone_is_told_and_never_acted_upon(
    machines: tuple[Machine, Machine],
) -> None:
    first, second = machines
    first.tombstone.write_bytes(b'{"drill": "d1", "told": "{not json"}')
    healed = second.command("heal", "--target", "staging", "--even-if-held")
    assert healed.returncode == 20
    assert "its tombstone is damaged; remove it by hand once nothing stands" in healed.stdout
    ran = second.command("run", "features", "--target", "staging")
    assert (ran.returncode, second.result()["code"]) == (11, "lock")
    first.tombstone.unlink()


def test_where_none_can_be_left_nothing_is_drilled(machines: tuple[Machine, Machine]) -> None:
    first, _ = machines
    first.tombstone.mkdir()
    told = first.command("run", "features", "--target", "staging")
    assert (told.returncode, first.result()["code"]) == (11, "guard")
    assert "no tombstone could be left on toy" in first.result()["why"]
    path = first.root / "targets/staging.toml"
    path.write_text(
        path.read_text().replace("[[systems]]", "[guards]\ntombstone = false\n[[systems]]")
    )
    run, pid = begun(first, "watching")
    os.kill(pid, signal.SIGINT)
    run.communicate(timeout=30)  # type: ignore[attr-defined]
    first.tombstone.rmdir()
    wait_until(lambda: not (first.folder / "fault.refuse").exists(), 5, "the fault stood")
    first.command("heal", "--target", "staging")
