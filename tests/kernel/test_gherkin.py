"""Files that are no drills are refused with the line, and all their mistakes are told at once."""

from pathlib import Path

import pytest

from firemarshal import gherkin
from firemarshal.bad_input import BadInput

ONE = b"Feature: x\n  Scenario: y\n    Given a\n"
OUTLINE = b"Feature: x\n  Scenario Outline: y\n    Given <a>\n"

NOT_GHERKIN: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", ["f:1: holds no Feature; begin with Feature:"]),
    "blank": (b"\n\n", ["f:1: holds no Feature; begin with Feature:"]),
    "only a comment": (b"# hi\n", ["f:1: holds no Feature; begin with Feature:"]),
    "no scenario": (b"\nFeature: x\n", ["f:2: holds no Scenario; add one"]),
    "latin-1": ("Feature: x\n  é\n".encode("latin-1"), ["f:2: is not UTF-8; save it as UTF-8"]),
    "no feature above": (
        b"Scenario: x\n  Given a\n",
        [
            "f:1: is not Gherkin: 'Scenario: x' cannot stand here; a file begins with Feature:",
            "f:2: is not Gherkin: 'Given a' cannot stand here; "
            "steps stand below a Scenario or Background",
        ],
    ),
    "two features": (
        ONE + b"Feature: z\n",
        [
            "f:4: is not Gherkin: 'Feature: z' cannot stand here; "
            "one Feature a file: put the second into its own"
        ],
    ),
    "a slip in a keyword": (
        ONE + b"    Gvien b\n    Wehn c\n",
        [
            "f:4: is not Gherkin: 'Gvien b' cannot stand here; did you mean 'Given'?",
            "f:5: is not Gherkin: 'Wehn c' cannot stand here; did you mean 'When'?",
        ],
    ),
    "unknown language": (
        b"# language: xx\n" + ONE,
        ["f:1: is not Gherkin: Language not supported: xx"],
    ),
    "starts with And": (
        b"Feature: x\n  Scenario: y\n    And a\n",
        [
            "f:3: is not Gherkin: First step in a scenario or background must start with "
            "'Given', 'When' or 'Then', but got And"
        ],
    ),
    "too few cells": (
        OUTLINE + b"    Examples:\n      | a | b |\n      | 1 |\n",
        [
            "f:6: is not Gherkin: inconsistent cell count within the table; "
            "every row needs the cells of the first"
        ],
    ),
    "too many cells": (
        OUTLINE + b"    Examples:\n      | a |\n      | 1 |\n      | 1 | 2 |\n",
        [
            "f:7: is not Gherkin: inconsistent cell count within the table; "
            "every row needs the cells of the first"
        ],
    ),
}

MISTAKES: dict[str, tuple[bytes, list[str]]] = {
    "no steps": (b"Feature: x\n  Scenario: y\n", ["f:2: scenario 'y' has no steps; add some"]),
    "no name": (
        b"Feature: x\n  Scenario:\n    Given a\n",
        ["f:2: a scenario has no name; say what happens in it"],
    ),
    "namesakes, also in a rule": (
        ONE + b"  Rule: r\n    Scenario: y\n      Given b\n    Scenario: y\n      Given c\n",
        [
            "f:5: scenario 'y' stands twice, first in line 2; "
            "rename one: pytest-bdd would drop the first without a word",
            "f:7: scenario 'y' stands twice, first in line 2; "
            "rename one: pytest-bdd would drop the first without a word",
        ],
    ),
    "outline without Examples": (
        OUTLINE,
        ["f:2: outline 'y' has no Examples; add a table of them"],
    ),
    "Examples without rows": (
        OUTLINE + b"    Examples:\n      | a |\n",
        ["f:2: outline 'y' has no Examples; add a table of them"],
    ),
    "Korean outline without Examples": (
        "# language: ko\n기능: x\n  시나리오 개요: y\n    조건 <a>\n".encode(),
        ["f:3: outline 'y' has no Examples; add a table of them"],
    ),
    "all mistakes of a table": (
        b"Feature: x\n  Scenario Outline: <c> y\n    Given <a> or <bb>\n    Examples:\n"
        b"      | a | b |\n      | 1 |   |\n      | 1 | 2 |\n      | 1 | 2 |\n",
        [
            "f:6: a row of Examples leaves 'b' empty: 1 | ; fill it in",
            "f:8: the row '1-2' of Examples stands twice; remove one",
            "f:2: <c> is not a column of Examples; columns: a, b",
            "f:3: <bb> is not a column of Examples; did you mean 'b'?",
        ],
    ),
    "a column twice": (
        OUTLINE + b"    Examples:\n      | a | a |\n      | 1 | 2 |\n",
        ["f:5: the column 'a' of Examples stands twice; rename one"],
    ),
    "a name without any table": (
        b"Feature: x\n  Background:\n    Given <a>\n  Scenario: y\n    Given b\n",
        ["f:3: <a> is not a column of Examples; columns: none"],
    ),
    "of several scenarios": (
        b"Feature: x\n  Scenario: y\n  Scenario: z\n",
        ["f:2: scenario 'y' has no steps; add some", "f:3: scenario 'z' has no steps; add some"],
    ),
}


def put(folder: Path, data: bytes) -> Path:
    (folder / "f").write_bytes(data)
    return folder / "f"


@pytest.mark.parametrize("case", NOT_GHERKIN)
def test_what_is_not_gherkin_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    data, said = NOT_GHERKIN[case]
    with pytest.raises(BadInput) as problem:
        gherkin.read(put(tmp_path, data), tmp_path)
    assert problem.value.message.split("\n") == said


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_of_scenarios_are_kept_so_that_all_can_be_told(tmp_path: Path, case: str) -> None:
    data, said = MISTAKES[case]
    found = gherkin.read(put(tmp_path, data), tmp_path)
    assert "\n".join(one.message for one in found.mistakes).split("\n") == said


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="f: cannot be read: No such file or directory"):
        gherkin.read(tmp_path / "f", tmp_path)


@pytest.mark.parametrize("data", [ONE, b"\xef\xbb\xbf" + ONE, ONE.replace(b"\n", b"\r\n")])
def test_a_byte_order_mark_and_the_line_ends_of_windows_change_nothing(
    tmp_path: Path, data: bytes
) -> None:
    text = gherkin.read(put(tmp_path, data), tmp_path)
    scenario, _ = gherkin.rendered(text, text.scenarios[0], 0)
    assert (scenario.name, scenario.line, scenario.feature) == ("y", 2, "x")
    assert scenario.steps == (gherkin.Sentence("given", "a", 3),)


def test_rows_give_values_tags_and_lines(tmp_path: Path) -> None:
    data = (
        b"@one\nFeature: x\n  @two\n  Rule: r\n    Background:\n      Given first\n    @three\n"
        b"    Scenario Outline: y <a>\n      When <a>\n        | cell <a> |\n"
        b"      @four\n      Examples:\n        | a |\n        | 1 |\n      Examples:\n"
        b"        | a |\n        | 2 |\n"
    )
    text = gherkin.read(put(tmp_path, data), tmp_path)
    (written,) = text.scenarios
    first, second = (gherkin.rendered(text, written, row)[0] for row in (0, 1))
    assert [one.text for one in first.steps] == ["first", "1"]
    assert [one.keyword for one in first.steps] == ["given", "when"]
    assert first.steps[1].table == [["cell 1"]]
    assert (first.name, first.row, second.name, second.row) == ("y 1", "1", "y 2", "2")
    assert first.tags == {"one", "two", "three", "four"}
    assert second.tags == {"one", "two", "three"}
    assert first.tag_lines == {"one": 1, "two": 3, "three": 7, "four": 11}
