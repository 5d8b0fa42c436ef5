"""The same words make the same drill, byte for byte, wherever and in whatever order."""

import subprocess
import sys
from typing import Any

import orjson
import pytest

from firemarshal.drill import SCHEMA, canonical, from_json, sha256

OUTLINE = """@null
Feature: shop
  @plan:SH-1
  Scenario Outline: it breaks for <time>
    Given "toy" is healthy
    And clients write steadily
    And nobody restarts "toy"
    When "toy" refuses every request for <time>
    Then writes return as the plan promises
    And at most 2 s of acknowledged writes are lost

    @weekly
    Examples:
      | time      |
      | 1 second  |
      | 2 seconds |
"""
COMPILE = """
import sys
from pathlib import Path
from firemarshal import project, target
from firemarshal.collecting import compile_file
from firemarshal.drill import canonical
root = Path(sys.argv[1])
house = project.load(root).house(target.load("toy", root))
for path in sys.argv[2:]:
    for _, rows in compile_file(house, root / path):
        for one in rows:
            print(one.drill.sha256, one.drill.id, canonical(one.drill.as_json()).decode())
"""


def test_the_same_feature_is_the_same_drill_in_other_processes_and_other_orders(repo: Any) -> None:
    repo.write("features/b.feature", OUTLINE)
    repo.write("features/a.feature", repo.drill())
    files = ["features/a.feature", "features/b.feature"]
    printed = [
        subprocess.run(
            [sys.executable, "-c", COMPILE, str(repo.root), *order],
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for order, seed in ((files, "1"), (files[::-1], "2"))
    ]
    assert len(printed[0]) == 3 and len({line.split()[1] for line in printed[0]}) == 3
    assert sorted(printed[0]) == sorted(printed[1])
    here = [
        f"{one.sha256} {one.id} {canonical(one.as_json()).decode()}"
        for one in repo.compiled(OUTLINE, "features/b.feature")
    ]
    assert here == [line for line in printed[0] if "b.feature" in line]


def test_a_changed_word_profile_or_plan_is_another_drill(repo: Any) -> None:
    (first,) = repo.compiled(repo.drill())
    (other,) = repo.compiled(repo.drill(then="writes return within 2 seconds"))
    assert first.sha256 != other.sha256 and first.id == other.id
    profile = (repo.root / "targets/toy.toml").read_text()
    repo.write("targets/toy.toml", profile.replace("watch_beyond_s = 2", "watch_beyond_s = 3"))
    (longer,) = repo.compiled(repo.drill())
    assert first.hashes.items() ^ longer.hashes.items() == {
        ("target", first.hashes["target"]),
        ("target", longer.hashes["target"]),
    }
    repo.write("plans/shop.toml", (repo.root / "plans/shop.toml").read_text() + "\n")
    (planned,) = repo.compiled(repo.drill())
    assert planned.hashes["plans"] != longer.hashes["plans"]


def test_a_drill_survives_its_own_json(repo: Any) -> None:
    drills = repo.compiled(OUTLINE)
    assert [one.row for one in drills] == ["1 second", "2 seconds"]
    for drill in drills:
        read = from_json(orjson.loads(canonical(drill.as_json())))
        assert read == drill
        assert read.sha256 == drill.sha256


def test_a_drill_of_another_schema_is_refused(repo: Any) -> None:
    (drill,) = repo.compiled(repo.drill())
    with pytest.raises(KeyError, match=f"'firemarshal/drill/0' cannot be read, need '{SCHEMA}'"):
        from_json({**drill.as_json(), "schema": "firemarshal/drill/0"})


@pytest.mark.parametrize("value", [1.0, [0.5], {"a": {"b": (1, 2.5)}}, float("nan")])
def test_a_float_has_no_canonical_form(value: object) -> None:
    with pytest.raises(TypeError, match="is a float; evidence holds integers and text only"):
        canonical(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), {"🔥": 1}, {"a": {1: 1}}])
def test_what_other_readers_would_write_otherwise_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="evidence"):
        canonical(value)


def test_canonical_json_is_sorted_tight_and_utf_8() -> None:
    value = {"b": [1, True, None, "é\n"], "a": {"z": 2**53 - 1, "y": ""}}
    assert canonical(value).decode() == (
        '{"a":{"y":"","z":9007199254740991},"b":[1,true,null,"é\\n"]}'
    )
    assert canonical({"나": 1, "z": 2}).decode() == '{"z":2,"나":1}'
    assert sha256({"a": 1, "b": 2}) == sha256({"b": 2, "a": 1})
