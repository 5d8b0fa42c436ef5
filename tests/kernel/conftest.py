"""A stranger's repository in a temporary folder, compiled here or run by a pytest of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from firemarshal import project, target
from firemarshal.bad_input import BadInput
from firemarshal.collecting import compile_file
from firemarshal.compile import House
from firemarshal.drill import Drill

TARGET = """
name = "toy"
environment = "lab"
negative_controls = true
watch_beyond_s = 2
max_hold_s = 900

[[systems]]
name = "toy"
kind = "null"
lab = "null"
recorder = { baseline_s = 0.9, window_s = 0.5 }
"""
PLAN = """
id = "shop"
name = "The shop's plan"
source = "shop.md"
version = "1"

[[clauses]]
id = "SH-1"
text = "The shop takes orders again within three seconds."
every = "month"
rto = "3 s"

[[clauses]]
id = "SH-2"
text = "The shop loses nothing that it has acknowledged."
every = "month"
rpo = "0"
"""


class Repo:
    """Only what a stranger's repository has: pyproject, features, targets, plans."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("pyproject.toml", "[tool.firemarshal]\n")
        self.write("targets/toy.toml", TARGET)
        self.write("plans/shop.toml", PLAN)

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    @staticmethod
    def drill(**said: str) -> str:
        """A feature of one scenario that is whole, but for what is said."""
        return drill_text(**said)

    def house(self, name: str = "toy") -> House:
        return project.load(self.root).house(target.load(name, self.root))

    def compiled(self, text: str | bytes, path: str = "features/one.feature") -> list[Drill]:
        found = compile_file(self.house(), self.write(path, text))
        return [one.drill for _, rows in found for one in rows]

    def refused(self, text: str | bytes) -> list[str]:
        """The lines of the refusal."""
        with pytest.raises(BadInput) as problem:
            self.compiled(text)
        return problem.value.message.split("\n")

    def pytest(self, *words: str, cwd: str = ".", **env: str) -> subprocess.CompletedProcess[str]:
        """A pytest of its own; nothing of this one's settings reaches it."""
        return self._run(["-m", "pytest", "-p", "no:randomly", *words], cwd, env)

    def python(self, code: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A Python of its own."""
        return self._run(["-c", code], ".", {"PYTEST_ADDOPTS": "-p no:randomly", **env})

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A pytest of its own whose lines can be read while it runs; the caller ends it."""
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:randomly", *words],
            cwd=self.root,
            env=_environment({"PYTHONUNBUFFERED": "1"}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _run(
        self, words: list[str], cwd: str, env: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.root / cwd,
            env=_environment(env),
            capture_output=True,
            text=True,
            timeout=120,
        )

    def untouched(self) -> bool:
        """No run was begun and no lab was made."""
        return not (self.root / "runs").exists() and not (self.root / ".firemarshal").exists()


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    monkeypatch.setattr(sys, "path", [*sys.path])
    return Repo(tmp_path)


def _environment(more: dict[str, str]) -> dict[str, str]:
    kept = {name: one for name, one in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, "COLUMNS": "200", **more}


def drill_text(
    *,
    given: str = '"toy" is healthy\n    And clients write steadily',
    when: str = '"toy" refuses every request for 1 second',
    then: str = "writes return within 3 seconds",
    tags: str = "",
    name: str = "it breaks",
) -> str:
    """A feature of one scenario: tags on line 2, its name on line 3, steps from line 4 on."""
    said = (("Given", given), ("When", when), ("Then", then))
    steps = "".join(f"    {keyword} {text}\n" for keyword, text in said if text)
    return f"Feature: shop\n  {tags}\n  Scenario: {name}\n{steps}"
