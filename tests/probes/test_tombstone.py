"""The tombstone of one real server: atomic, seen by everybody, gone without a trace."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from firemarshal.probes.postgres import system
from firemarshal.probes.postgres.connect import Session
from firemarshal.system import CannotTell

Configuration = dict[str, Any]


@pytest.fixture
def free(server: Any) -> Iterator[Configuration]:
    """A server on which nobody stands before and after."""
    configuration: Configuration = server.configuration("t1")
    assert system.claimed(configuration) == {}
    yield configuration
    assert system.claimed(configuration) == {}
    with Session(configuration, configuration["system"]["members"][0], 5) as session:
        assert session.rows("SELECT 1 FROM pg_namespace WHERE nspname = 'firemarshal'") == []


def of(configuration: Configuration, drill: str) -> Configuration:
    """The same system, another drill."""
    return {**configuration, "drill": drill}


def test_the_second_finds_the_first_and_changes_nothing(free: Configuration) -> None:
    assert system.claim(free, "first") == {"drill": "t1", "told": "first"}
    assert system.claim(of(free, "t2"), "second") == {"drill": "t1", "told": "first"}
    assert system.claimed(of(free, "t2")) == {"drill": "t1", "told": "first"}
    system.release(of(free, "t2"))
    assert system.claimed(free) == {"drill": "t1", "told": "first"}
    system.release(free)
    system.release(free)


def test_the_same_drill_tells_more(free: Configuration) -> None:
    system.claim(free, "nothing yet")
    assert system.claim(free, '{"undos": ["한 가지"]}')["told"] == '{"undos": ["한 가지"]}'
    system.release(free)


def test_of_many_at_once_one_holds_it(free: Configuration) -> None:
    drills = [f"t{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: system.claim(of(free, one), one)["drill"], drills))
    (holder,) = set(found)
    system.release(of(free, holder))


def test_it_does_not_stand_in_the_way_of_marker_rows(free: Configuration) -> None:
    system.claim(free, "first")
    system.prepare(free)
    system.forget(free)
    assert system.claimed(free)["drill"] == "t1"
    system.release(free)


def test_where_nobody_answers_nobody_can_tell(free: Configuration) -> None:
    (member,) = free["system"]["members"]
    gone = {**free, "system": {**free["system"], "members": [{**member, "port": 1}]}}
    for function in (system.claimed, system.release, lambda one: system.claim(one, "x")):
        with pytest.raises(CannotTell):
            function(gone)
