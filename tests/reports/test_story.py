"""A run folder becomes plain data, whole or cut anywhere."""

from pathlib import Path

import orjson
import pytest
import run_folders

from firemarshal.reports import story


def test_a_whole_run_tells_everything(tmp_path: Path) -> None:
    run = story.read_run(run_folders.run(tmp_path))
    (one,) = run.drills
    assert (run.target, run.environment, run.missing) == ("lab", "lab", ())
    assert (one.verdict, one.missing, one.doubts) == ("PASSED", (), ())
    assert one.t0 == (run_folders.T0_US - 400, run_folders.T0_US)
    assert [promise["verdict"] for promise in one.promises] == ["met"]
    assert one.calls("capture orders")[1]["output"]["leader"] == "orders-2"
    assert one.ledgers[0].name == "orders-client.ledger"


def test_a_drill_that_never_began_has_no_folder(tmp_path: Path) -> None:
    why = {"code": "no-fault-for-kind", "why": "none for http"}
    folder = run_folders.run(tmp_path, [run_folders.compiled(not_run=why)])
    (one,) = story.read_run(folder).drills
    assert one.folder is None
    assert (one.verdict, one.result["code"], one.result["injected"]) == (
        story.NOT_RUN,
        "no-fault-for-kind",
        False,
    )
    assert one.promises[0]["verdict"] == "unknown"
    assert one.promises[0]["seq"] == 0


def test_a_cut_journal_tells_no_verdict_and_only_what_it_proves(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path)
    path = folder / "01-drill/journal.jsonl"
    (folder / "01-drill/verdict.json").unlink()
    whole = path.read_bytes()
    ends = [0, *(n + 1 for n, byte in enumerate(whole) if byte == 10)]
    seen = set()
    for end in ends:
        for cut in (end, end + 40):
            path.write_bytes(whole[:cut])
            (one,) = story.read_run(folder).drills
            seen.add((one.verdict, one.result["injected"], one.result["target_after"]))
            assert one.missing
            assert one.name == "The primary is killed"
    assert seen == {
        (story.NO_VERDICT, None, "unknown"),
        (story.NO_VERDICT, True, "unknown"),
        ("PASSED", True, "changed"),
    }


def test_without_run_json_the_journals_name_the_drills(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path)
    (folder / "run.json").write_bytes(b'{"schema": "firema')
    run = story.read_run(folder)
    assert run.drills[0].name == "The primary is killed"
    assert run.environment == "unknown"
    assert "run.json cannot be read" in run.missing[0]


def test_a_changed_line_and_a_cut_end_are_doubts(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path)
    path = folder / "01-drill/journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"gone: 11", b"gone: 12"))
    (one,) = story.read_run(folder).drills
    assert "breaks at line 10" in one.doubts[0]
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    (one,) = story.read_run(folder).drills
    assert "not the one that verdict.json names" in one.doubts[0]


def test_journals_of_several_writers_are_merged_by_time(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path)
    opened = {"event": "opened", "system": "orders", "undos": [], "boot_id": "boot"}
    healer = [opened | {"at_us": run_folders.T0_US + 9_500}, {"event": "sealed"}]
    (folder / "01-drill/journal-heal-1.jsonl").write_bytes(run_folders.journal(healer))
    (one,) = story.read_run(folder).drills
    around = [line["file"] for line in one.lines if "t0" in line or line["event"] == "bit"]
    times = [line["at_us"] for line in one.lines if line["file"] != "journal.jsonl"]
    assert around == ["journal.jsonl", "journal.jsonl"]
    assert times[0] == run_folders.T0_US + 9_500
    assert [line["at_us"] for line in one.lines] == sorted(line["at_us"] for line in one.lines)


def test_another_boot_comes_last(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path)
    opened = {"event": "opened", "system": "orders", "undos": [], "boot_id": "next", "at_us": 5}
    (folder / "01-drill/journal-heal-1.jsonl").write_bytes(run_folders.journal([opened]))
    (one,) = story.read_run(folder).drills
    assert one.lines[-1]["file"] == "journal-heal-1.jsonl"


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no run folder"):
        story.read_run(tmp_path / "nowhere")


def test_a_verdict_that_is_no_object_is_missing(tmp_path: Path) -> None:
    folder = run_folders.run(tmp_path)
    (folder / "01-drill/verdict.json").write_bytes(orjson.dumps([1]))
    (one,) = story.read_run(folder).drills
    assert "verdict.json holds no object" in one.missing
    assert one.verdict == "PASSED"  # the journal's own line tells it
