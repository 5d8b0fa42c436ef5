"""Nothing in the repository points to one person's machine or to a private package index."""

import re
import subprocess
from pathlib import Path

import pytest

INDEXES = {"pypi.org", "files.pythonhosted.org"}
# "/root" alone is any machine's; with something below it, it is one person's.
MACHINE = re.compile(r"(?<![\w/.}*-])/(?:root/\w|work(?![\w-])|(?:home|Users)/\w)")
URL_HOST = re.compile(r"https?://(?:[^/@\s\"']*@)?([\w.-]+)")
INDEX_URL = re.compile(
    r"https?://(?:[^/@\s\"']*@)?([\w.-]+)(?::\d+)?(?:/[\w./-]*)?/simple\b"
    r"|https?://((?:pypi|registry|artifactory|nexus|mirror|proxy)\.[\w.-]+)"
)


def _files(root: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip(f"not a git checkout, so there is no list of files: {listed.stderr.strip()}")
    paths = [root / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def machine_words(text: str) -> list[str]:
    return [match.group() for match in MACHINE.finditer(text)]


def foreign_indexes(text: str) -> list[str]:
    hosts = [first or second for first, second in INDEX_URL.findall(text)]
    return [host for host in hosts if host not in INDEXES]


def test_no_file_names_a_place_of_one_machine(root: Path) -> None:
    found = [
        f"{path.relative_to(root)}:{number}: {words}"
        for path in _files(root)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if (words := machine_words(line))
    ]
    assert not found, "\n" + "\n".join(found)


def test_no_file_names_a_private_package_index(root: Path) -> None:
    found = [
        f"{path.relative_to(root)}: {hosts}"
        for path in _files(root)
        if (hosts := foreign_indexes(path.read_text(errors="replace")))
    ]
    assert not found, "\n" + "\n".join(found)


def test_the_lock_file_names_the_public_index_only(root: Path) -> None:
    assert set(URL_HOST.findall((root / "uv.lock").read_text())) <= INDEXES


@pytest.mark.parametrize("path", ["root/x", "work", "work/main", "home/someone/x"])
def test_a_planted_place_is_found(path: str) -> None:
    assert machine_words(f'open("/{path}")')


@pytest.mark.parametrize(
    "text", ["net/work/x", "./work/x", "the /workers page", "below /root", "https://a/b"]
)
def test_what_only_looks_like_a_place_is_not_found(text: str) -> None:
    assert not machine_words(text)


def test_a_planted_index_is_found() -> None:
    assert foreign_indexes("https://" + "mirror.example.org/x") == ["mirror.example.org"]
    assert foreign_indexes("http://u:p@" + "10.0.0.1:8080/pypi/simple/") == ["10.0.0.1"]
    assert not foreign_indexes("https://pypi.org/simple https://example.org/page")
