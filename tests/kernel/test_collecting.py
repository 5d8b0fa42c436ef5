"""Dropping a feature file into a folder is all it takes: collected once, and only compiled."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("boto3", "botocore", "kubernetes", "chaoslib", "moto", "matplotlib", "psycopg")
SPY = f"""
import sys

def pytest_sessionfinish():
    heavy = [name for name in {HEAVY} if name in sys.modules]
    print("heavy:", heavy, "acting:", [name for name in sys.modules if ".actions." in name])
"""
OUTLINE = """@null
Feature: shop
  Rule: at night
    @plan:SH-1
    Scenario Outline: it breaks for <time>!
      Given "toy" is healthy
      And clients write steadily
      When "toy" refuses every request for <time>
      Then writes return as the plan promises

      @weekly
      Examples:
        | time     |
        | 1 second |

      Examples:
        | time      |
        | 2 seconds |
"""


def ids(done: subprocess.CompletedProcess[str], code: int = 0) -> list[str]:
    assert done.returncode == code, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "::" in line]


@pytest.fixture
def shop(repo: Any) -> Any:
    repo.write("features/outline.feature", OUTLINE)
    repo.write("features/plain.feature", repo.drill(tags="@must-be-invalid:did-not-bite"))
    return repo


OUTLINED = [
    f"features/outline.feature::test_it_breaks_for_time[{time}]"
    for time in ("1 second", "2 seconds")
]
PLAIN = ["features/plain.feature::test_it_breaks"]


def test_every_feature_is_collected_once_and_nothing_heavy_is_imported(shop: Any) -> None:
    shop.write("spy.py", SPY)
    (shop.root / "src").mkdir()
    (shop.root / "src/linked").symlink_to(shop.root / "features")
    (shop.root / "again.feature").symlink_to(shop.root / "features/plain.feature")
    done = shop.pytest(
        *("-p", "spy", "--strict-markers", ".", "--target", "toy", "--collect-only", "-q"),
        PYTHONPATH=".",
    )
    assert ids(done) == OUTLINED + PLAIN
    assert "heavy: [] acting: []" in done.stdout
    assert shop.untouched()


SELECTED: list[tuple[list[str], list[str]]] = [
    (["-k", "breaks and not for"], PLAIN),
    (["-m", 'plan(id="SH-1")'], OUTLINED),
    (["-m", "null and not weekly"], OUTLINED[1:]),
    (["-m", 'must_be_invalid(code="did-not-bite")'], PLAIN),
    (["-k", "tomorrow"], []),
    ([f"features/outline.feature::{OUTLINED[0].partition('::')[2]}"], OUTLINED[:1]),
]
MANY = """
import sys
import pytest
for words in {!r}:
    print("exit code:", int(pytest.main(["--target", "toy", "--collect-only", "-q", *words])))
"""


def test_drills_are_selected_like_tests(shop: Any) -> None:
    done = shop.python(MANY.format([words for words, _ in SELECTED]))
    lines = iter(done.stdout.splitlines())
    for words, found in SELECTED:
        ended = list(iter(lambda: next(lines), f"exit code: {0 if found else 5}"))
        assert [line for line in ended if "::" in line] == found, words
    assert done.returncode == 0 and shop.untouched()


def test_features_may_lie_outside_of_the_root(shop: Any, tmp_path_factory: Any) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "far.feature").write_text(shop.drill())
    done = shop.pytest(
        *(str(outside), "--rootdir", ".", "--target", "toy", "--collect-only", "-q"),
    )
    assert [one.rpartition("/")[2] for one in ids(done)] == ["far.feature::test_it_breaks"]


def test_features_in_a_package_are_found_by_its_name(repo: Any) -> None:
    repo.write("shop_features/__init__.py", "")
    repo.write("shop_features/deep/one.feature", repo.drill())
    done = repo.pytest(
        *("--pyargs", "shop_features", "--target", "toy", "--collect-only", "-q"), PYTHONPATH="."
    )
    assert ids(done) == ["shop_features/deep/one.feature::test_it_breaks"]


def test_our_own_features_are_found_by_name_from_any_folder(repo: Any) -> None:
    (repo.root / "plans/shop.toml").unlink()
    (repo.root / "plans").rmdir()
    repo.write("targets/toy.toml", (ROOT / "targets/lab.toml").read_bytes())
    words = ("--pyargs", "firemarshal.features", "--target", "toy", "--collect-only", "-q")
    done = repo.pytest(*words)
    assert any("toy.feature::test_the_toy_dies_and_is_restarted" in one for one in ids(done))
    assert repo.untouched()


def test_only_the_folders_that_are_named_hold_drills(shop: Any) -> None:
    shop.write("pyproject.toml", '[tool.firemarshal]\nfeatures = ["features"]\n')
    shop.write("tests/shopping.feature", "Feature: f\n  Scenario: s\n    Given a cart\n")
    done = shop.pytest(".", "--target", "toy", "--collect-only", "-q")
    assert ids(done) == OUTLINED + PLAIN


def test_bad_features_stop_everything_with_every_mistake_and_touch_nothing(shop: Any) -> None:
    """Whatever else is asked for: no drill and no test runs beside a feature that is refused."""
    shop.write("features/a_bad.feature", shop.drill(when="pigs fly", tags="@nul"))
    shop.write("features/b_empty.feature", "")
    shop.write(
        "features/c_signs.feature",
        "Feature: f\n" + "".join(shop.drill(name=f"it{sign}").partition("\n")[2] for sign in "!?"),
    )
    shop.write("test_ordinary.py", "def test_ordinary():\n    raise SystemExit('it ran')\n")
    said = [
        "features/a_bad.feature:2: unknown tag @nul; did you mean 'null'?",
        "features/a_bad.feature:6: no When step reads 'pigs fly'; "
        "`firemarshal steps` lists them all",
        "features/b_empty.feature:1: holds no Feature; begin with Feature:",
        "features/c_signs.feature:9: scenario 'it?' differs from another one by signs only; "
        "rename one",
    ]
    for words in ([], ["--collect-only"]):
        done = shop.pytest(".", "--target", "toy", *words)
        lines = [line.removeprefix("E   ").strip() for line in done.stdout.splitlines()]
        assert done.returncode == 4, done.stdout
        assert [line for line in lines if line in said] == said
        assert "Traceback" not in done.stdout and "it ran" not in done.stdout
        assert shop.untouched()
    done = shop.pytest("features", "--target", "toy", "--continue-on-collection-errors")
    assert done.returncode == 4 and "3 skipped, 3 errors" in done.stdout, done.stdout
    assert shop.untouched()


MALFORMED = {
    "profile": ("targets/toy.toml", "name = \n", "toy.toml:1: is not TOML: Invalid value"),
    "plan": ("plans/shop.toml", 'id = "shop"\n', "shop.toml: key 'name' is missing; add it"),
    "settings": (
        "pyproject.toml",
        '[tool.firemarshal]\nsteps = ["nosuch"]\n',
        "the steps of 'nosuch' cannot be imported: ModuleNotFoundError: No module named 'nosuch'",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_of_the_project_ends_it_with_one_clear_message(
    shop: Any, case: str
) -> None:
    path, text, said = MALFORMED[case]
    shop.write(path, text)
    done = shop.pytest("features", "--target", "toy")
    assert done.returncode == 4, done.stdout + done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr + done.stdout
    assert shop.untouched()
