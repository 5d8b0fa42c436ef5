"""The small scripts of tools/ as modules: they are no package, so that make needs none."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


def _tool(name: str) -> Iterator[ModuleType]:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        yield import_module(name)
    finally:
        sys.path.remove(str(ROOT / "tools"))


@pytest.fixture(scope="session")
def doors() -> Iterator[ModuleType]:
    yield from _tool("doors")


@pytest.fixture(scope="session")
def sizes() -> Iterator[ModuleType]:
    yield from _tool("sizes")


@pytest.fixture(scope="session")
def bootstrap() -> Iterator[ModuleType]:
    yield from _tool("bootstrap")
