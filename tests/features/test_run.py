"""What the run promised, row by row, and what every drill must leave in its journal."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import psycopg
import pytest

ALL = os.environ.get("DRILLS") == "all"
KILL = "The primary is killed without warning"
SYNCHRONOUS = "The primary of a synchronous pair is killed"
CUT = "Control: the standby was two seconds behind when the primary died"
NOBODY = "Nobody takes over from a dead primary"
CHANGED = "Aimed at a process that is not the primary any more"
UNHEALTHY = "Not healthy before anything was done"
TOY = (
    "The toy refuses for a second and comes back",
    "The toy dies and is restarted",
    "Control: the toy forgets",
)
LOST_HOST = "The machine of the primary is lost"
FROZEN = (
    "An asynchronous pair goes on without it",
    "A synchronous pair loses nothing when it comes back",
)
MANAGER = "Control: nothing stops the old primary from acknowledging writes"
SILENT = "Control: a synchronous pair waits for a standby that falls silent"
HANDED = "The primary hands over to its standby"
LED_BACK = "The old primary leads again"
PROMOTED = "The standby is promoted by hand"
CLAIMED = "Control: the runbook says that all is well while clients fail"
CLOCKS = (
    "The clock of the primary jumps an hour ahead",
    "The primary dies when its clock has been set back by an hour",
)
UNNOTICED = "The standby of an asynchronous pair is killed"
LOCKED = "A long transaction locks the busiest table"
MORE = (
    *(LOST_HOST, *FROZEN, HANDED, LED_BACK, PROMOTED, UNNOTICED, LOCKED, *CLOCKS),
    "The standby of a synchronous pair is killed",
    "A storm of connections takes every place",
    "The successor dies as soon as it has a follower",
    "The primary dies while the standby rejoins",
    "The primary dies while its base backup is taken",
)
TABLE = {
    **dict.fromkeys(MORE, ("PASSED", "PASSED")),
    MANAGER: ("FAILED", "FAILED, as it must"),
    SILENT: ("FAILED", "FAILED, as it must"),
    CLAIMED: ("FAILED", "FAILED, as it must"),
    KILL: ("PASSED", "PASSED"),
    SYNCHRONOUS: ("PASSED", "PASSED"),
    CUT: ("FAILED", "FAILED, as it must"),
    NOBODY: ("FAILED", "FAILED, as it must"),
    CHANGED: ("INVALID", "INVALID for 'victim-changed', as it must"),
    UNHEALTHY: ("INVALID", "INVALID for 'not-healthy-before', as it must"),
    TOY[0]: ("PASSED", "PASSED"),
    TOY[1]: ("PASSED", "PASSED"),
    TOY[2]: ("FAILED", "FAILED, as it must"),
}
NO_DISASTER = (CHANGED, UNHEALTHY, LED_BACK)
SECOND = 1_000_000
Json = dict[str, Any]


def only(lines: list[Json], event: str, **facts: Any) -> Json:
    (found,) = [
        one
        for one in lines
        if one["event"] == event and all(one.get(key) == facts[key] for key in facts)
    ]
    return found


def places(lines: list[Json], event: str) -> list[Json]:
    return [one for one in lines if one["event"] == event]


def test_the_run_went_as_expected(finished: Any) -> None:
    assert finished.code == 0, finished.said
    assert finished.summary["exit_code"] == 0
    assert set(TABLE) <= set(finished.drills) or not ALL
    for name, one in finished.drills.items():
        assert one["as_expected"] or is_lacking(one), (name, one["why"])


def is_lacking(drill: Json) -> bool:
    """Not run for want of a program that makes clocks movable; the run says which."""
    return drill["code"] == "lab-not-available" and drill["name"] in CLOCKS


@pytest.mark.parametrize("name", TABLE)
def test_every_row_has_its_verdict(finished: Any, name: str) -> None:
    verdict, expectation = TABLE[name]
    drill = finished.drills[name]
    if is_lacking(drill):
        pytest.skip(drill["why"])
    assert (drill["verdict"], drill["as_expected"]) == (verdict, True), drill["why"]
    assert drill["expectation"].startswith(expectation)
    assert drill["injected"] is (name not in NO_DISASTER)
    lines = finished.journal(name)
    assert len(places(lines, "disaster")) == (name not in NO_DISASTER)
    result = only(lines, "result")
    assert (result["verdict"], result["code"]) == (drill["verdict"], drill["code"])


def test_a_kill_is_recovered_from_in_seconds(finished: Any) -> None:
    rto = finished.drills[KILL]["rto"]
    assert 0.05 * SECOND < rto["lower"] <= rto["upper"] < 15 * SECOND
    loss = only(finished.journal(KILL), "measured", kind="loss")
    assert 0 <= loss["lost"] <= 5  # a WAL sender may die before the client's own backend
    assert loss["look_back_us"] > 2 * SECOND
    assert "looked back" in finished.drills[KILL]["rpo"]["note"]


def test_a_synchronous_pair_loses_nothing(finished: Any) -> None:
    loss = only(finished.journal(SYNCHRONOUS), "measured", kind="loss")
    assert (loss["lost"], loss["everything_lost"]) == (0, False)
    assert loss["look_back_us"] > 2 * SECOND
    assert loss["acknowledged"] > 200
    lost = finished.drills[SYNCHRONOUS]["lost"]
    assert (lost["lower"], lost["upper"], lost["verdict"]) == (0, 0, "met")


def test_two_seconds_of_writes_are_lost_and_counted(finished: Any) -> None:
    lost = finished.drills[CUT]["lost"]
    assert 150 <= lost["lower"] == lost["upper"] <= 400
    loss = only(finished.journal(CUT), "measured", kind="loss")
    assert 1.9 * SECOND <= loss["lower_us"] <= loss["upper_us"] <= 3 * SECOND


def test_without_failover_there_is_no_upper_end(finished: Any) -> None:
    rto = finished.drills[NOBODY]["rto"]
    assert rto["lower"] >= 5 * SECOND
    assert rto["upper"] is None
    assert "more than" in rto["reason"]


@pytest.mark.parametrize("name", [LOST_HOST, *FROZEN])
def test_a_machine_is_missed_only_when_its_key_has_run_out(finished: Any, name: str) -> None:
    rto = finished.drills[name]["rto"]
    assert 10 * SECOND < rto["lower"] <= rto["upper"] < 60 * SECOND


def test_a_lone_primary_s_loss_is_watched_for_until_it_shows(finished: Any) -> None:
    lines = finished.journal(MANAGER)
    disaster, watched = only(lines, "disaster"), only(lines, "watched")
    assert watched["at_us"] - disaster["t0"][1] >= 25 * SECOND
    loss = only(lines, "measured", kind="loss")
    assert loss["lost"] >= 300
    assert loss["lost_before"] == 0
    assert loss["unexpected"] == 0


def test_a_handover_is_counted_from_its_asking(finished: Any) -> None:
    disaster = only(finished.journal(HANDED), "disaster")
    assert disaster["t0"][1] - disaster["t0"][0] < SECOND
    assert finished.drills[HANDED]["rto"]["lower"] > 0
    assert finished.drills[HANDED]["lost"]["upper"] == 0


def test_what_is_lost_when_the_frozen_primary_goes_on_is_lost_after_our_healing(
    finished: Any,
) -> None:
    """It acknowledges until its manager has looked; how much depends on who is faster."""
    loss = only(finished.journal(FROZEN[0]), "measured", kind="loss")
    assert loss["lost_before"] == loss["lost_during"] == 0
    assert loss["lost"] == loss["lost_after_heal"]
    assert loss["in_doubt"] >= loss["late"] >= loss["late_lost"]
    note = finished.drills[FROZEN[0]]["rpo"]["note"]
    assert ("acknowledged after our healing began" in note) is (loss["lost"] > 0)


@pytest.mark.parametrize(("name", "held_s"), [(SILENT, 7), (LOCKED, 4)])
def test_what_stands_in_the_way_is_felt_for_as_long_as_it_is_held(
    finished: Any, name: str, held_s: int
) -> None:
    assert finished.drills[name]["rto"]["lower"] > (held_s - 1) * SECOND


def test_what_was_healed_is_watched_for_one_window_more(finished: Any) -> None:
    """A cut link that still stands is healing's work; what ended as planned is not."""
    assert only(finished.journal(CUT), "calm")["again"] is True
    assert only(finished.journal(TOY[0]), "calm")["again"] is False


def test_invalid_drills_say_why(finished: Any) -> None:
    assert finished.drills[CHANGED]["code"] == "victim-changed"
    assert finished.drills[UNHEALTHY]["code"] == "not-healthy-before"
    lines = finished.journal(CHANGED)
    assert only(lines, "not injected")["fault"] == "postgres.kill_primary"
    (condition,) = places(finished.journal(UNHEALTHY), "injected")
    assert condition["fault"] == "postgres.cut_replication"


def every_drill(finished: Any) -> list[tuple[str, list[Json]]]:
    begun = [name for name, one in finished.drills.items() if not is_lacking(one)]
    return [(name, finished.journal(name)) for name in begun]


def test_every_journal_is_one_whole_sealed_chain(finished: Any) -> None:
    for name, _ in every_drill(finished):
        head = "0" * 64
        raw = (finished.folder(name) / "journal.jsonl").read_bytes()
        assert raw.endswith(b"\n")
        for number, text in enumerate(raw.splitlines(), start=1):
            line = json.loads(text)
            assert (line["prev"], line["seq"]) == (head, number), name
            head = hashlib.sha256(text).hexdigest()
        assert line["event"] == "sealed", name
        times = [json.loads(text)["at_us"] for text in raw.splitlines()]
        assert times == sorted(times)


def test_undo_is_on_disk_before_harm_is_done(finished: Any) -> None:
    for name, lines in every_drill(finished):
        made = [one["recovery"] for one in places(lines, "recovery begins")]
        undone = [one for one in places(lines, "undo written") if one["fault"] not in made]
        injected = [one for one in lines if one["event"] in ("injected", "not injected")]
        assert [one["fault"] for one in undone] == [one["fault"] for one in injected], name
        for undo, harm in zip(undone, injected, strict=True):
            assert undo["seq"] < harm["seq"]
            assert undo["at_us"] < (harm["before_us"] or harm["at_us"])
            assert undo["shell"] or "switch_over" in undo["fault"]


def test_harm_is_proved_before_it_is_watched_and_healed_before_the_result(finished: Any) -> None:
    for name, lines in every_drill(finished):
        injected = places(lines, "injected")
        proved = [one["fault"] for one in places(lines, "bit")]
        assert proved == [one["fault"] for one in injected], name
        healed = places(lines, "healed")
        undone = [one["fault"] for one in places(lines, "undo written")]
        assert sorted(one["fault"] for one in healed) == sorted(undone), name
        assert max(one["seq"] for one in healed) < only(lines, "result")["seq"]
        for watched in places(lines, "watched"):
            assert max(one["seq"] for one in places(lines, "bit")) < watched["seq"]


def test_no_system_is_left_unclean(finished: Any) -> None:
    for name, _ in every_drill(finished):
        drill = finished.drills[name]
        assert drill["target_after"] in ("as found", "changed"), (name, drill["target_after_why"])
    assert not list((finished.project / ".firemarshal/state").rglob("*.undo.json"))
    assert not list((finished.project / ".firemarshal/state").rglob("*.made.json"))


def test_no_process_of_the_run_is_left(finished: Any) -> None:
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue  # it ended while we looked
        if str(finished.project).encode() in words and b"probes.recorder" in words:
            left.append(words)
    assert not left


@pytest.mark.parametrize("pair", ["orders", "payments"])
def test_no_marker_is_left_in_a_database(finished: Any, pair: str) -> None:
    asked = 0
    for address in finished.addresses(pair):
        with psycopg.connect(address, autocommit=True) as connection:
            query = "select nspname from pg_namespace where nspname like 'firemarshal%'"
            assert connection.execute(query).fetchall() == []
            asked += 1
    assert asked == 2


def test_nothing_but_the_rows_of_drills_is_gone_from_the_toy(finished: Any) -> None:
    folder = Path(finished.system("toy")["members"][0]["folder"])
    assert [one.name for one in folder.glob("fault.*")] == []
    assert [one.name for one in folder.glob("mark.*")] == []
    assert (folder / "data").read_bytes() == b""
