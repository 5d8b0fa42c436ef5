"""One run of the real command over kept labs, watched from outside; every test reads it."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

ROOT = Path(__file__).resolve().parents[2]
FEATURES = ("postgres", "null")
# The whole family waits for many leader keys to run out; `make test DRILLS=all` drills it.
CORE = (
    *("primary_crash.feature", "synchronous_pair.feature", "controls.feature"),
    *("planned_handover.feature", "toy.feature"),
)
ALL = os.environ.get("DRILLS") == "all"
PAIRS = ("orders", "payments")
RUN_WITHIN_S, LAB_WITHIN_S = 900, 120
COUNT_EVERY_S = 0.05
MARKERS = r"select tablename from pg_tables where tablename like 'attempts\_%' order by 1"
Json = dict[str, Any]


class Counter(threading.Thread):
    """Looks at the marker tables as an operator would, without a line of firemarshal.

    `keys` holds the keys seen last in each table, on whichever member was the primary then.
    """

    def __init__(self, system: Json) -> None:
        super().__init__(name=f"counter of {system['name']}")
        self.system = system
        self.keys: dict[str, set[int]] = {}
        self.looks = 0
        self.over = threading.Event()
        self._open: dict[str, psycopg.Connection[Any]] = {}

    def run(self) -> None:
        while not self.over.wait(COUNT_EVERY_S):
            for member in self.system["members"]:
                try:
                    self._look(member)
                except psycopg.Error:
                    self._leave(member["name"])
        for name in list(self._open):
            self._leave(name)

    def _look(self, member: Json) -> None:
        if member["name"] not in self._open:
            self._open[member["name"]] = psycopg.connect(at(self.system, member), autocommit=True)
        connection = self._open[member["name"]]
        if not first(connection.execute("select pg_is_in_recovery()")):
            self.looks += 1
            for (table,) in connection.execute(MARKERS).fetchall():
                query = f"select array_agg(k) from firemarshal.{table}"
                self.keys[table] = set(first(connection.execute(query)) or [])

    def _leave(self, name: str) -> None:
        if connection := self._open.pop(name, None):
            connection.close()


class Drills(dict[str, Json]):
    """The drills of the run; a test of another one is skipped with the way to have it."""

    def __missing__(self, name: str) -> Json:
        pytest.skip(f"{name!r} is not among the quick drills; run it with: make test DRILLS=all")


@dataclass
class Finished:
    """What the run left: exit code, summary, journals, and what the counters saw."""

    project: Path
    code: int
    said: str
    counters: dict[str, Counter]
    summary: Json = field(default_factory=dict)

    @property
    def runs(self) -> Path:
        return self.project / "runs"

    @property
    def drills(self) -> dict[str, Json]:
        return Drills({one["name"]: one for one in self.summary["drills"]})

    def folder(self, name: str) -> Path:
        return self.runs / self.summary["run"] / self.drills[name]["folder"]

    def system(self, name: str) -> Json:
        return lab_system(self.project, name)

    def addresses(self, name: str) -> list[str]:
        system = self.system(name)
        return [at(system, member) for member in system["members"]]

    def journal(self, name: str) -> list[Json]:
        text = (self.folder(name) / "journal.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]


def first(cursor: Any) -> Any:
    row = cursor.fetchone()
    return row and row[0]


def at(system: Json, member: Json) -> str:
    """How the operator reaches one member and no other."""
    return make_conninfo(
        system["operator"],
        host=member["address"],
        port=member["port"],
        connect_timeout=2,
        options="-c statement_timeout=2s",
    )


def lab_system(project: Path, name: str) -> Json:
    """A kept lab's own table."""
    found: Json = json.loads((project / ".firemarshal/lab" / name / "system.json").read_text())
    return found


def command(project: Path, *words: str, within_s: float) -> tuple[int, str]:
    """The real command, in a working folder of its own."""
    clean = {key: one for key, one in os.environ.items() if not key.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "firemarshal.cli", *words],
        cwd=project,
        env=clean,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=within_s,
    )
    return done.returncode, done.stdout


def made_project(folder: Path) -> Path:
    """A repository like a stranger's: features, plans and the profile of the lab."""
    for part in ("plans", "targets"):
        shutil.copytree(ROOT / part, folder / part)
    for family in FEATURES:
        (folder / "features" / family).mkdir(parents=True)
        for feature in (ROOT / "features" / family).glob("*.feature"):
            if ALL or feature.name in CORE:
                shutil.copy(feature, folder / "features" / family)
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    project = made_project(tmp_path_factory.mktemp("project"))
    try:
        for system in ("",) if ALL else (*PAIRS, "toy"):
            words = ["--system", system] if system else []
            code, said = command(project, "lab", "up", *words, within_s=LAB_WITHIN_S)
            assert code == 0, said
        counters = {name: Counter(lab_system(project, name)) for name in PAIRS}
        yield watched(project, counters)
    finally:
        code, said = command(project, "lab", "down", within_s=LAB_WITHIN_S)
        assert code == 0, said


def watched(project: Path, counters: dict[str, Counter]) -> Finished:
    for one in counters.values():
        one.start()
    try:
        words = ["run", *(f"features/{family}" for family in FEATURES), "--target", "lab"]
        code, said = command(project, *words, within_s=RUN_WITHIN_S)
    finally:
        for one in counters.values():
            one.over.set()
        for one in counters.values():
            one.join()
    print(said)
    found = Finished(project, code, said, counters)
    found.summary = json.loads((found.runs / "latest" / "summary.json").read_text())
    return found
