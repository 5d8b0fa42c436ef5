"""Runs of the toy that all tests of reports share, because each takes its time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import toy_runs
from toy_project import ToyProject


@pytest.fixture(scope="session")
def every_verdict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToyProject]:
    project = toy_runs.every_verdict(tmp_path_factory.mktemp("all"))
    yield project
    project.clear()


@pytest.fixture(scope="session")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToyProject]:
    project = toy_runs.interrupted(tmp_path_factory.mktemp("interrupted"))
    yield project
    project.clear()


@pytest.fixture
def run_folder(every_verdict: ToyProject) -> Path:
    return (every_verdict.root / "runs/latest").resolve()
