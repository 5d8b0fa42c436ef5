"""A journal that was changed, shortened or cut says so; only an unsealed one may end torn."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from firemarshal.journal import FIRST, Journal, read

WRITER = """
import sys
from pathlib import Path
from firemarshal.journal import Journal
journal = Journal(Path(sys.argv[1]), "keeper", lambda line: None)
while True:
    journal.note("attempt", text="x" * 3000)
"""


def written(path: Path, *, sealed: bool = True) -> Journal:
    journal = Journal(path, "keeper", lambda line: None)
    journal.note("opened", about={"b": 1, "a": "é"})
    journal.note("aimed", durable=True)
    journal.note("injected")
    if sealed:
        journal.note("sealed")
    journal.close()
    return journal


def test_what_is_written_is_read_and_every_line_names_the_one_before(tmp_path: Path) -> None:
    journal = written(tmp_path / "j")
    found = read(tmp_path / "j")
    assert found.lines == journal.lines and found.sealed and found.sound and not found.torn
    assert [one["seq"] for one in found.lines] == [1, 2, 3, 4]
    assert found.lines[0]["prev"] == FIRST and found.lines[0]["about"] == {"a": "é", "b": 1}
    assert [one["writer"] for one in found.lines] == ["keeper"] * 4


def test_the_watcher_hears_every_line(tmp_path: Path) -> None:
    heard: list[Any] = []
    journal = Journal(tmp_path / "j", "keeper", heard.append)
    line = journal.note("opened")
    journal.close()
    assert heard == [line]


def change(number: int) -> Callable[[list[bytes]], list[bytes]]:
    def changed(lines: list[bytes]) -> list[bytes]:
        lines[number] = lines[number].replace(b"aimed", b"named").replace(b"keeper", b"peeker")
        return lines

    return changed


TAMPERED: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int]] = {
    "first line changed": (change(0), 2),
    "a line changed": (change(1), 3),
    "the line before the seal changed": (change(2), 4),
    "a line removed": (lambda lines: [lines[0], *lines[2:]], 2),
    "the first line removed": (lambda lines: lines[1:], 1),
    "two lines exchanged": (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2),
    "a line doubled": (lambda lines: [lines[0], lines[0], *lines[1:]], 2),
    "a space added": (lambda lines: [lines[0], lines[1] + b" ", *lines[2:]], 3),
    "a line that is no object": (lambda lines: [lines[0], b"[]", *lines[2:]], 2),
    "a line that is no JSON": (lambda lines: [lines[0], b"{", *lines[2:]], 2),
    "an empty line": (lambda lines: [lines[0], b"", *lines[1:]], 2),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_journal_that_was_changed_says_where(tmp_path: Path, case: str) -> None:
    tamper, broken_at = TAMPERED[case]
    written(tmp_path / "j")
    lines = tamper((tmp_path / "j").read_bytes().splitlines())
    (tmp_path / "j").write_bytes(b"\n".join(lines) + b"\n")
    found = read(tmp_path / "j")
    assert (found.broken_at, found.sound) == (broken_at, False)


def test_a_seal_that_was_cut_off_leaves_an_unsealed_journal(tmp_path: Path) -> None:
    head = written(tmp_path / "j").head
    lines = (tmp_path / "j").read_bytes().splitlines(keepends=True)
    (tmp_path / "j").write_bytes(b"".join(lines[:-1]))
    found = read(tmp_path / "j")
    assert not found.sealed
    assert found.head != head, "whoever kept the head elsewhere sees that the end is missing"


def test_the_head_that_the_writer_told_is_the_head_that_is_read(tmp_path: Path) -> None:
    assert read_head(tmp_path / "j", written(tmp_path / "j")) is True
    (tmp_path / "empty").write_bytes(b"")
    assert read(tmp_path / "empty").head == FIRST


def read_head(path: Path, journal: Journal) -> bool:
    return read(path).head == journal.head


@pytest.mark.parametrize("cut", [1, 10])
def test_a_torn_last_line_is_dropped_and_told_and_fine_while_unsealed(
    tmp_path: Path, cut: int
) -> None:
    written(tmp_path / "j", sealed=False)
    data = (tmp_path / "j").read_bytes()
    (tmp_path / "j").write_bytes(data[:-cut])
    found = read(tmp_path / "j")
    assert (
        found.torn
        and found.sound
        and [one["event"] for one in found.lines]
        == [
            "opened",
            "aimed",
        ]
    )
    assert (tmp_path / "j").read_bytes() == data[:-cut], "read, never repaired"


def test_anything_behind_the_seal_is_not_sound(tmp_path: Path) -> None:
    written(tmp_path / "j")
    with (tmp_path / "j").open("ab") as file:
        file.write(b'{"event":"inj')
    found = read(tmp_path / "j")
    assert found.torn and found.sealed and not found.sound


def test_a_fact_cannot_take_the_place_of_the_chain(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", "keeper", lambda line: None)
    with pytest.raises(TypeError, match="seq, utc"):
        journal.note("opened", seq=5, utc="never")
    journal.note("sealed")
    journal.close()
    assert read(tmp_path / "j").sound


def test_a_second_writer_of_the_same_file_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "j")
    with pytest.raises(FileExistsError):
        Journal(tmp_path / "j", "other", lambda line: None)


def test_a_full_disk_is_kept_in_mind_and_stops_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    journal = Journal.__new__(Journal)
    full = Path("/dev/full")
    journal.path, journal.writer, journal.broken = full, "keeper", ""
    journal.lines, journal._watcher, journal._head = [], lambda line: None, FIRST
    journal._descriptor = os.open(full, os.O_WRONLY)
    journal.note("injected")
    line = journal.note("healed")
    journal.close()
    assert (
        journal.broken
        == "the journal full could not be written: [Errno 28] No space left on device"
    )
    assert journal.lines[-1] is line and line["seq"] == 2


def test_a_writer_killed_at_any_moment_leaves_a_journal_that_can_be_read(tmp_path: Path) -> None:
    for number in range(5):
        path = tmp_path / str(number)
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)])
        try:
            while not path.exists() or path.stat().st_size < 50_000 * (number + 1):
                assert process.poll() is None
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        found = read(path)
        assert found.sound and not found.sealed and len(found.lines) > 10
        assert orjson.loads(path.read_bytes().split(b"\n")[0])["seq"] == 1
