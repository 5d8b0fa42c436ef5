"""Systems that faults may break: a toy for each test, one PostgreSQL pair for all of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from firemarshal import target
from firemarshal.lab import down, lacking, up

Json = dict[str, Any]


def brought_up(kind: str, name: str, folder: Path, **options: bool) -> Json:
    """What a drill's keeper hands to verbs, for a system that the lab has just made."""
    table = up({"name": name, "kind": kind, "lab": kind, "options": options}, folder, print)
    whole = target.system_model(table, "lab").model_dump(mode="json")
    return {"target": "lab", "drill": "trial", "system": json.loads(json.dumps(whole))}


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Json]:
    folder = tmp_path / "toy"
    yield brought_up("null", "toy", folder)
    assert down(folder, print) == []


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Json]:
    folder = tmp_path_factory.mktemp("lab") / "pair"
    try:
        configuration = brought_up("postgres", "pair", folder)
        with psycopg.connect(configuration["system"]["client"]) as connection:
            connection.execute("create table bookings (number bigint primary key)")
            connection.execute("insert into bookings values (1)")
        yield configuration
    finally:
        assert down(folder, print) == []


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[Json]:
    """A pair whose members' clocks can be moved."""
    options = {"clocks": True}
    asked = {"name": "clocked", "kind": "postgres", "lab": "postgres", "options": options}
    if why := lacking(asked):
        pytest.skip(why)
    try:
        yield brought_up("postgres", "clocked", tmp_path / "lab", **options)
    finally:
        assert down(tmp_path / "lab", print) == []
