"""Everything fits one screen; proved on the tree, and on things that are one line too long."""

from pathlib import Path
from types import ModuleType

STEP = '@when(parsers.parse("x {y}"))\ndef _(y):\n' + "    pass\n" * 9
FUNCTION = "def f():\n" + "    pass\n" * 49
SCENARIO = "Feature: f\n  Background:\n    Given a\n  Scenario: s\n" + "    And b\n" * 7


def test_a_step_may_have_ten_lines_and_not_eleven(sizes: ModuleType) -> None:
    assert not list(sizes.python_findings(Path("drills/x.py"), STEP))
    (found,) = sizes.python_findings(Path("drills/x.py"), STEP + "    pass\n")
    assert found == "drills/x.py:2: the step _ has 11 lines, allowed are 10"


def test_a_function_may_have_fifty_lines_and_not_fifty_one(sizes: ModuleType) -> None:
    assert not list(sizes.python_findings(Path("lab/x.py"), FUNCTION))
    (found,) = sizes.python_findings(Path("lab/x.py"), FUNCTION + "    pass\n")
    assert found == "lab/x.py:1: the function f has 51 lines, allowed are 50"


def test_files_of_faults_probes_and_kernel_have_their_limits(sizes: ModuleType) -> None:
    for path, limit in [
        ("actions/a/x.py", 120),
        ("probes/x.py", 120),
        ("src/firemarshal/x.py", 300),
    ]:
        assert not list(sizes.python_findings(Path(path), "x = 1\n" * limit))
        (found,) = sizes.python_findings(Path(path), "x = 1\n" * (limit + 1))
        assert found.startswith(f"{path}:{limit + 1}: the file has {limit + 1} lines")
    assert not list(sizes.python_findings(Path("lab/x.py"), "x = 1\n" * 500))


def test_a_scenario_may_have_seven_steps_and_not_eight(sizes: ModuleType) -> None:
    assert not list(sizes.feature_findings(Path("f.feature"), SCENARIO))
    (found,) = sizes.feature_findings(Path("f.feature"), SCENARIO + "    Then c\n")
    assert found == "f.feature:4: the scenario has 8 steps, allowed are 7"


def test_a_doc_string_and_examples_are_no_steps(sizes: ModuleType) -> None:
    more = '      """\n      Then quoted\n      """\n    Examples:\n      | Given |\n'
    assert not list(sizes.feature_findings(Path("f.feature"), SCENARIO + more))


def test_korean_steps_count_too(sizes: ModuleType) -> None:
    text = "# language: ko\n기능: f\n  시나리오: s\n" + "    그리고 b\n" * 8
    (found,) = sizes.feature_findings(Path("f.feature"), text)
    assert found.startswith("f.feature:3: the scenario has 8 steps")


def test_a_feature_may_have_sixty_lines_and_not_sixty_one(sizes: ModuleType) -> None:
    text = "Feature: f\n" + "\n" * 59
    assert not list(sizes.feature_findings(Path("f.feature"), text))
    assert list(sizes.feature_findings(Path("f.feature"), text + "\n"))


def test_the_ratchet_follows_a_file_that_shrank(sizes: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("x = 1\n" * 310)
    assert not list(sizes.ratchet_findings(tmp_path, {"x.py": 310}))
    (found,) = sizes.ratchet_findings(tmp_path, {"x.py": 320})
    assert found.startswith("x.py:310: has shrunk")


def test_nothing_in_the_house_is_too_long(sizes: ModuleType, root: Path) -> None:
    found = [*sizes.ratchet_findings(root, sizes.GROWN)]
    for path in sizes.files(root):
        found += sizes.python_findings(path, (root / path).read_text(encoding="utf-8"))
    for path in sorted((root / "features").rglob("*.feature")):
        found += sizes.feature_findings(path.relative_to(root), path.read_text(encoding="utf-8"))
    assert not found, "\n" + "\n".join(found)
