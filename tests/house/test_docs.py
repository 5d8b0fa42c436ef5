"""The pages are true as far as a machine can tell: links, generated parts, and every example."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from firemarshal import cli, journal, project

LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"firemarshal (\w+)")


@pytest.fixture
def writer(root: Path) -> Iterator[ModuleType]:
    sys.path.insert(0, str(root / "tools"))
    try:
        import write_docs

        yield write_docs
    finally:
        sys.path.remove(str(root / "tools"))


def pages(root: Path) -> list[Path]:
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text()) if kind == language]


def test_what_is_written_from_the_code_is_fresh(root: Path, writer: ModuleType) -> None:
    for page in writer.PAGES:
        text = (root / page).read_text()
        assert writer.fresh(page, text) == text, "python tools/write_docs.py"


def test_a_page_that_lost_its_marks_is_told(writer: ModuleType) -> None:
    with pytest.raises(ValueError, match="put them back"):
        writer.fresh("README.md", "no marks at all")


def test_every_link_between_the_pages_leads_somewhere(root: Path) -> None:
    for page in pages(root):
        for link in LINK.findall(page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_command_that_a_page_names_exists(root: Path) -> None:
    commands = [one.callback.__name__ for one in cli.app.registered_commands if one.callback]
    known = {*commands, *(one.name for one in cli.app.registered_groups)}
    for page in [one for one in pages(root) if one.name != "verdicts.md"]:
        for text in re.findall(r"`([^`]+)`", BLOCK.sub("", page.read_text())):
            for command in COMMAND.findall(text):
                assert command in known, f"{page.name}: firemarshal {command}"


def _checked(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "firemarshal.cli", "check", "features", "--target", "lab"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def strangers(root: Path, tmp_path: Path) -> Path:
    """A repository of somebody else's: no more than features and a target."""
    (tmp_path / "features").mkdir()
    (tmp_path / "targets").mkdir()
    shutil.copy(root / "targets" / "lab.toml", tmp_path / "targets")
    return tmp_path


def test_the_drill_of_the_recipe_compiles(root: Path, strangers: Path) -> None:
    parts = blocks(root / "docs" / "write-a-drill.md", "gherkin")
    (strangers / "features" / "fast_failover.feature").write_text("\n".join(parts))
    assert "2 tests collected" in _checked(strangers)


def test_the_fault_of_the_recipe_compiles_in_a_strangers_repository(
    root: Path, strangers: Path
) -> None:
    page = root / "docs" / "add-a-fault.md"
    fault, step, _ = blocks(page, "python")
    (feature,) = blocks(page, "gherkin")
    (settings,) = blocks(page, "toml")
    words = (root / "drills" / "postgres.py").read_text().partition("\n\n\n@")[0]
    (strangers / "ourfaults" / "postgres").mkdir(parents=True)
    (strangers / "ourfaults" / "postgres" / "stop_standby.py").write_text(fault)
    (strangers / "ourwords").mkdir()
    (strangers / "ourwords" / "postgres.py").write_text(f"{words}\n\n\n{step}")
    (strangers / "features" / "standby.feature").write_text(feature)
    (strangers / "pyproject.toml").write_text(settings)
    assert tomllib.loads(settings)["tool"]["firemarshal"]["faults"][1] == "ourfaults"
    assert "2 tests collected" in _checked(strangers)
    assert project.load(strangers).packages.steps[1] == "ourwords"


@pytest.mark.skipif(
    not (shutil.which("jq") and shutil.which("sha256sum")), reason="no jq: install jq"
)
@pytest.mark.parametrize("tampered", [False, True])
def test_the_chain_of_a_journal_is_checked_by_the_recipe(
    root: Path, tmp_path: Path, tampered: bool
) -> None:
    written = journal.Journal(tmp_path / "journal.jsonl", "keeper", lambda line: None)
    for text in ("one", 'two "quoted" \\ back', "three $HOME `x` €"):
        written.note("step", text=text)
    written.note("sealed")
    written.close()
    (tmp_path / "verdict.json").write_text(f'{{"journal_head": "{written.head}"}}')
    if tampered:
        path = tmp_path / "journal.jsonl"
        path.write_text(path.read_text().replace("one", "eno"))
    (recipe,) = blocks(root / "docs" / "run-folder.md", "sh")
    done = subprocess.run(
        ["sh", "-c", recipe], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("broken before: ") if tampered else done.stdout == "whole\n"
