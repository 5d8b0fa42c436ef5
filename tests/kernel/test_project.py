"""`[tool.firemarshal]` names where words, faults, plans and tags are; nothing else is searched."""

from pathlib import Path
from typing import Any

import pytest

from firemarshal import plan, project
from firemarshal.bad_input import BadInput


def refused(root: Path, text: str) -> list[str]:
    (root / "pyproject.toml").write_text(text)
    with pytest.raises(BadInput) as problem:
        project.load(root)
    return problem.value.message.replace(f"{root}/", "").split("\n")


def test_a_folder_without_any_settings_uses_what_comes_with_firemarshal(tmp_path: Path) -> None:
    found = project.load(tmp_path)
    assert found.packages.steps == ("firemarshal.drills",)
    assert found.packages.faults == ("firemarshal.actions",)
    packaged = [path.resolve() for path in found.plan_folders()]
    assert packaged == [plan.OWN_FOLDER.resolve()]
    (tmp_path / "plans").mkdir()
    assert found.plan_folders() == [tmp_path / "plans"], "own plans replace those of the package"
    assert not {".firemarshal", "runs"} & {path.name for path in tmp_path.iterdir()}


def test_mistakes_in_the_settings_are_told_with_the_key(tmp_path: Path) -> None:
    where = "pyproject.toml [tool.firemarshal]"
    assert refused(tmp_path, '[tool.firemarshal]\nstep = ["x"]\ntags = ["skip", "_x"]\n') == [
        f"{where}: key 'tags.0': 'skip' cannot be a tag: need a plain word that is no mark of "
        "pytest's (found 'skip')",
        f"{where}: key 'tags.1': '_x' cannot be a tag: need a plain word that is no mark of "
        "pytest's (found '_x')",
        f"{where}: key 'step' is unknown; did you mean 'steps'?",
    ]
    assert refused(tmp_path, '[tool]\nfiremarshal = "x"\n') == [
        f"{where}: is no table; write it as [tool.firemarshal]"
    ]
    assert refused(tmp_path, "[tool.firemarshal\n") == [
        "pyproject.toml:1: is not TOML: Expected ']' at the end of a table declaration; "
        "see https://toml.io"
    ]


def test_the_plans_that_are_named_must_be_there(repo: Any) -> None:
    repo.write("pyproject.toml", '[tool.firemarshal]\nplans = ["recovery"]\n')
    with pytest.raises(BadInput, match="recovery: there is no such folder of plans; create it"):
        repo.house()


def test_a_malformed_plan_ends_it_before_anything_else(repo: Any) -> None:
    text = (repo.root / "plans/shop.toml").read_text()
    repo.write("plans/shop.toml", text.replace('rto = "3 s"', 'rto = "soon"'))
    with pytest.raises(BadInput, match=r"shop\.toml: clause SH-1: key 'rto': 'soon' is not a dur"):
        repo.house()
    assert repo.untouched()
