"""The page that adds a kind of system, typed as it stands into a repository of somebody else's."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from toy_project import ToyProject

ROOT = Path(__file__).resolve().parents[2]
FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Stranger(ToyProject):
    """What the page makes, and nothing else."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in FILE.findall((ROOT / "docs/add-a-kind.md").read_text()):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def replace(self, name: str, old: str, new: str) -> None:
        """Change a file; the old words must be there."""
        path = self.root / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    return Stranger(tmp_path / "theirs")


def test_the_page_s_system_is_made_broken_measured_and_removed(stranger: Stranger) -> None:
    doctor = stranger.command("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "system 'papers': files, made by the lab; 1 faults" in doctor.stdout
    assert "2 tests collected" in stranger.command("check", "features", "--target", "lab").stdout
    held = stranger.command("conformance", "files.stop_server", "--kills", "1", wait_s=120)
    assert held.returncode == 0, held.stdout + held.stderr
    done = stranger.command("run", "features", "--target", "lab", wait_s=120)
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = [(one["verdict"], one["as_expected"]) for one in stranger.summary()["drills"]]
    assert sorted(verdicts) == [("FAILED", True), ("PASSED", True)]
    assert all(one["target_after"] == "as found" for one in stranger.summary()["drills"])
    assert not stranger.processes()
    assert not (stranger.root / ".firemarshal/lab/papers").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("path.write_bytes(self.rfile", "(self.rfile"),
        ('(FOLDER / "identity").read_text()', '"somebody else"'),
    ],
    ids=["it stores nothing", "it is another one"],
)
def test_a_store_that_lies_does_not_pass(stranger: Stranger, old: str, new: str) -> None:
    stranger.replace("ourlab/files/server.py", old, new)
    done = stranger.command("run", "features", "--target", "lab", "-k", "return", wait_s=120)
    assert done.returncode != 0
    assert "PASSED" not in done.stdout
    assert not stranger.processes()


def test_the_page_s_code_lints(stranger: Stranger) -> None:
    bin_folder = str(Path(sys.executable).parent)
    settings = f"--config={ROOT / 'pyproject.toml'}"
    ours = ["ourkinds", "ourlab", "ourfaults", "ourwords"]
    for words in (
        ["ruff", "check", "--no-cache", settings, "."],
        ["ruff", "format", "--no-cache", "--check", settings, "."],
        ["mypy", "--strict", "--explicit-package-bases", "--config-file=", *ours],
    ):
        tool = shutil.which(words[0], path=bin_folder)
        assert tool is not None, "make environment"
        done = subprocess.run(
            [tool, *words[1:]], cwd=stranger.root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("pyproject.toml", '"ourkinds"', '"theirkinds"', "no package 'theirkinds' of kinds"),
        ("pyproject.toml", '"firemarshal.probes", "ourkinds"', '"ourkinds"', ""),
        ("targets/lab.toml", '"files"', '"filse"', "kind 'filse' is unknown; did you mean 'files'"),
        ("targets/lab.toml", '"ourlab.files"', '"ourlab.fils"', "no fragment 'ourlab.fils'"),
        ("targets/lab.toml", "lab = ", 'module = "os"\nlab = ', "'module' is not for profiles"),
    ],
)
def test_mistakes_in_naming_are_told(
    stranger: Stranger, name: str, old: str, new: str, said: str
) -> None:
    stranger.replace(name, old, new)
    command = ("lab", "up") if "fragment" in said else ("check", "features", "--target", "lab")
    done = stranger.command(*command)
    assert done.returncode == (4 if said else 0)
    assert said in done.stderr and "Traceback" not in done.stderr


def test_a_kind_that_stands_twice_is_refused(stranger: Stranger) -> None:
    shutil.copytree(stranger.root / "ourkinds", stranger.root / "morekinds")
    stranger.replace("pyproject.toml", '"ourkinds"]', '"ourkinds", "morekinds"]')
    done = stranger.command("check", "features", "--target", "lab")
    assert done.returncode == 4
    assert "kind 'files' stands twice, first in ourkinds.files; rename one" in done.stderr
