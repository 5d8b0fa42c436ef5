"""`firemarshal new fault` and `conformance`: files that are found, lint, and fail honestly."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from toy_project import ToyProject

from firemarshal.state import SystemState

ROOT = Path(__file__).resolve().parents[2]
FILLED = """
from typing import Any

from firemarshal.actions.null import files
from firemarshal.fault import Fault

FAULT = Fault(kinds=("null",), does="requests are refused", lasts="until healed")
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    return files.aim(configuration["system"], "fault.refuse")


def inject(victims: list[Json], configuration: Json) -> None:
    files.inject(victims, configuration["system"])


def bit(victims: list[Json], configuration: Json) -> Json:
    return files.bit(victims, configuration["system"])


def heal(victims: list[Json], configuration: Json) -> list[str]:
    return {heal}
"""
HEALS = 'files.heal(victims, configuration["system"])'
NEW = ("new", "fault", "fill_disk", "--kind", "null")
WRITTEN = (
    "faults/null/fill_disk.py",
    "words/fill_disk.py",
    "features/null/fill_disk.feature",
    "tests/test_fill_disk.py",
)


@pytest.fixture
def stranger(tmp_path: Path) -> ToyProject:
    """A repository with a profile and nothing else."""
    project = ToyProject(tmp_path / "theirs")
    (project.root / "features/toy.feature").unlink()
    (project.root / "pyproject.toml").unlink()
    return project


def left(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_what_is_written_is_found_and_lints_and_is_never_green(stranger: ToyProject) -> None:
    done = stranger.command(*NEW)
    assert done.returncode == 0, done.stderr
    for name in WRITTEN:
        assert (stranger.root / name).exists(), name
    assert "null.fill_disk" in stranger.command("faults").stdout
    assert 'fill disk strikes "{system}"' in stranger.command("steps", "disk").stdout
    lints(stranger.root)
    commands = re.findall(r"^  firemarshal (.*)$", done.stdout, re.MULTILINE)
    assert [one.split()[0] for one in commands] == ["check", "conformance", "run"]
    check, conformance, run = (stranger.command(*one.split()) for one in commands)
    assert check.returncode == 0 and "2 tests collected" in check.stdout
    assert conformance.returncode == 1
    assert "aims: aim found nothing to harm: aim is not written yet" in conformance.stdout
    assert run.returncode == 1, run.stdout
    assert {one["verdict"] for one in stranger.summary()["drills"]} == {"INVALID"}
    assert not any(one["as_expected"] for one in stranger.summary()["drills"])
    assert not stranger.processes()


def lints(root: Path) -> None:
    """By the rules of this repository."""
    paths = [str(root / name) for name in WRITTEN if name.endswith(".py")]
    settings = str(ROOT / "pyproject.toml")
    for words in (
        ["ruff", "check", "--no-cache", "--config", settings, *paths],
        ["ruff", "format", "--no-cache", "--check", "--config", settings, *paths],
        ["mypy", "--strict", "--explicit-package-bases", "--config-file=", *paths[:2]],
    ):
        tool = shutil.which(words[0], path=str(Path(sys.executable).parent))
        assert tool is not None, "make environment"
        done = subprocess.run(
            [tool, *words[1:]], cwd=root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({2: "Fill"}, "'Fill' cannot name a fault; small letters"),
        ({2: "class"}, "'class' cannot name a fault"),
        ({2: "fill-disk"}, "cannot name a fault"),
        ({2: "../x"}, "cannot name a fault"),
        ({4: "nul"}, "kind 'nul' is unknown; did you mean 'null'?"),
        ({2: "kill"}, "fault 'null.kill' is there already"),
        ({4: "postgres"}, "no system of kind postgres; it has: toy (null)"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(
    stranger: ToyProject, changed: dict[int, str], said: str
) -> None:
    before = left(stranger.root)
    words = [changed.get(number, word) for number, word in enumerate(NEW)]
    done = stranger.command(*words)
    assert done.returncode == 4
    assert said in done.stderr and "Traceback" not in done.stderr
    assert left(stranger.root) == before


@pytest.mark.parametrize("name", WRITTEN)
def test_nothing_is_overwritten(stranger: ToyProject, name: str) -> None:
    path = stranger.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine\n")
    before = left(stranger.root)
    done = stranger.command(*NEW)
    assert done.returncode == 4 and "is never overwritten" in done.stderr
    assert left(stranger.root) == before


def test_settings_of_its_own_are_told_what_to_add(stranger: ToyProject) -> None:
    (stranger.root / "pyproject.toml").write_text('[tool.firemarshal]\ntags = ["night"]\n')
    before = left(stranger.root)
    done = stranger.command(*NEW)
    assert done.returncode == 4 and 'faults = ["firemarshal.actions", "faults"]' in done.stderr
    assert left(stranger.root) == before


def test_packages_that_are_named_get_it(stranger: ToyProject) -> None:
    (stranger.root / "pyproject.toml").write_text(
        '[tool.firemarshal]\nsteps = ["firemarshal.drills", "say"]\n'
        'faults = ["firemarshal.actions", "ours.break"]\n'
    )
    for name in ("say", "ours/break"):
        (stranger.root / name).mkdir(parents=True)
    done = stranger.command(*NEW)
    assert done.returncode == 0, done.stderr
    assert (stranger.root / "ours/break/null/fill_disk.py").exists()
    assert (stranger.root / "say/fill_disk.py").exists()


def test_what_does_not_compile_is_taken_back(stranger: ToyProject) -> None:
    assert stranger.command(*NEW).returncode == 0
    (stranger.root / "faults/null/broken.py").write_text("FAULT = 1\n")
    before = left(stranger.root)
    (stranger.root / "words/twin.py").write_text(
        (stranger.root / "words/fill_disk.py").read_text().replace("fill disk", "burn disk")
    )
    done = stranger.command("new", "fault", "burn_disk", "--kind", "null")
    assert done.returncode == 4 and "is defined twice" in done.stderr
    (stranger.root / "words/twin.py").unlink()
    assert left(stranger.root) == before


def test_in_this_repository_it_goes_into_the_rooms(tmp_path: Path) -> None:
    """In a copy, whose rooms are then the ones that are imported."""
    copy = tmp_path / "copy"
    for name in ("actions", "drills", "probes", "plans", "reports", "lab", "features", "targets"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(
        ROOT / "src", copy / "src", symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", copy)
    words = ["-m", "firemarshal.cli", "new", "fault", "fill_disk", "--kind", "postgres"]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=copy,
        env={"PYTHONPATH": str(copy / "src"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in (
        "actions/postgres/fill_disk.py",
        "drills/fill_disk.py",
        "features/postgres/fill_disk.feature",
        "tests/actions/test_fill_disk.py",
    ):
        assert (copy / name).exists(), name


@pytest.mark.parametrize(
    ("heal", "code", "said"), [(HEALS, 0, "keeps its word"), ("[]", 1, "bit says True")]
)
def test_conformance_finds_a_fault_that_does_not_heal(
    stranger: ToyProject, heal: str, code: int, said: str
) -> None:
    assert stranger.command(*NEW).returncode == 0
    (stranger.root / WRITTEN[0]).write_text(FILLED.replace("{heal}", heal))
    words = ("conformance", "null.fill_disk", "--kills", "1", "--within-s", "3")
    done = stranger.command(*words, wait_s=120)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout
    assert not stranger.processes()


def test_conformance_breaks_no_production(stranger: ToyProject) -> None:
    path = stranger.root / "targets/lab.toml"
    text = path.read_text().replace('environment = "lab"', 'environment = "production"')
    path.write_text(text.replace("negative_controls = true", ""))
    done = stranger.command("conformance", "null.refuse")
    assert done.returncode == 4 and "breaks no production" in done.stderr


STAGING = """
name = "staging"
environment = "staging"
[[systems]]
name = "toy"
kind = "null"
identity = {{ uuid = "{uuid}" }}
[[systems.members]]
name = "toy-1"
address = "{address}"
port = {port}
folder = "{folder}"
"""


def test_conformance_holds_a_system_that_it_did_not_make(stranger: ToyProject) -> None:
    """As a drill holds it: locked, and not while something stands."""
    assert stranger.command("lab", "up").returncode == 0
    try:
        table = json.loads((stranger.root / ".firemarshal/lab/toy/system.json").read_text())
        facts = {**table["members"][0], **table["identity"]}
        (stranger.root / "targets/staging.toml").write_text(STAGING.format(**facts))
        words = ("conformance", "null.refuse", "--target", "staging", "--kills", "1")
        done = stranger.command(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        held = SystemState(stranger.root / ".firemarshal/state", "staging", "toy")
        with held.lock({"drill": "somebody's"}):
            locked = stranger.command(*words)
        assert locked.returncode == 4 and "somebody's" in locked.stderr
        held.write_made("d1", {"module": "m", "configuration": {}})
        stands = stranger.command(*words)
        assert stands.returncode == 4
        assert "first: firemarshal heal --target staging" in stands.stderr
        assert not [*(stranger.root / ".firemarshal/lab/toy").glob("fault.*")]
    finally:
        stranger.clear()


def test_conformance_takes_recoveries_and_knobs(stranger: ToyProject) -> None:
    done = stranger.command("conformance", "null.answer_again", "--kills", "1")
    assert done.returncode == 0 and "null.answer_again keeps its word" in done.stdout
    for words, said in (
        (("null.refuse", "--aim", "percent=5"), "null.refuse takes no 'percent'; its aim takes: "),
        (("null.refuse", "--aim", "percent"), "'percent' has no =; write KEY=VALUE"),
        (("null.nothing",), "fault 'null.nothing' is unknown"),
    ):
        wrong = stranger.command("conformance", *words)
        assert wrong.returncode == 4 and said in wrong.stderr
