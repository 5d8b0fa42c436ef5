"""The wheel holds the rooms as real files below one import name, not as the checkout's links."""

import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOMS = ("actions", "drills", "features", "lab", "plans", "probes", "reports")
SHIPPED = (".py", ".feature", ".toml", ".json", ".html", ".css")


def _commands(root: Path, out: Path) -> list[list[str]]:
    """Ways to build, those that need no network first."""
    uv = root / ".tools/uv/bin/uv"
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out)]
    ways = [[*build, "--no-isolation"]] if find_spec("setuptools") else []
    if uv.exists():
        ways.append([str(uv), "build", "--wheel", "--offline", "--out-dir", str(out)])
    return [*ways, build]


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    source, out = tmp_path_factory.mktemp("source") / "tree", tmp_path_factory.mktemp("wheel")
    unwanted = shutil.ignore_patterns(".*", "runs", "build", "dist", "__pycache__", "*.egg-info")
    shutil.copytree(root, source, symlinks=True, ignore=unwanted)
    said = []
    for command in _commands(root, out):
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=300)
        if done.returncode == 0:
            (path,) = out.glob("*.whl")
            return zipfile.ZipFile(path)
        said.append(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")
    raise AssertionError("no way to build the wheel worked:\n" + "\n".join(said))


def test_it_holds_every_shipped_file_of_every_room(wheel: zipfile.ZipFile, root: Path) -> None:
    names = set(wheel.namelist())
    wanted = {
        f"firemarshal/{path.relative_to(root)}"
        for room in ROOMS
        for path in (root / room).rglob("*")
        if path.suffix in SHIPPED and path.name != "conftest.py"
    }
    assert wanted
    assert not wanted - names
    assert "firemarshal/py.typed" in names


def test_it_has_one_top_level_package(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"firemarshal"}


def test_it_holds_no_links(wheel: zipfile.ZipFile) -> None:
    links = [one.filename for one in wheel.infolist() if (one.external_attr >> 28) == 0o12]
    assert not links
