"""The recorder against a toy whose outages are known: every attempt is kept, in time, in truth."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firemarshal.ledger import Attempt, Ledger, Outcome, Refusal
from firemarshal.probes.recorder.pool import LATE_SHARE

Record = Callable[..., Any]
STORABLE = (Outcome.OK, Outcome.UNKNOWN, Outcome.INTENT)


def whole(attempts: list[Attempt], rate_per_s: int = 100) -> None:
    """Every tick has one attempt, with its own planned time, begun not before it, and ended."""
    assert [one.key for one in attempts] == list(range(1, len(attempts) + 1))
    period_us = 1_000_000 // rate_per_s
    for one in attempts:
        assert one.scheduled_us == attempts[0].scheduled_us + (one.key - 1) * period_us
        assert one.scheduled_us <= one.begun_us <= one.done_us
        assert one.outcome not in (Outcome.INTENT, Outcome.EMPTY)


def agrees(attempts: list[Attempt], rows: dict[int, int]) -> None:
    by_key = {one.key: one for one in attempts}
    for one in attempts:
        if one.outcome is Outcome.OK:
            assert rows[one.key] == one.value
    for key, value in rows.items():
        assert by_key[key].outcome in STORABLE
        assert by_key[key].value == value


def test_a_refusing_outage_lies_within_what_is_recorded(toy: Any, record: Record) -> None:
    recording = record(endpoint=toy.endpoint).ready()
    recording.await_key(30)
    down = toy.do("refuse")
    time.sleep(0.5)
    up = toy.do("back")
    recording.await_that(lambda found: any(is_ok_after(one, up) for one in found))
    attempts = recording.end()
    whole(attempts)
    agrees(attempts, toy.rows())
    during = [one for one in attempts if one.begun_us > down and one.done_us < up]
    assert during
    assert {(one.outcome, one.refusal) for one in during} == {(Outcome.FAILED, Refusal.REFUSED)}
    assert all(one.sent_us == 0 and one.endpoint == 0 for one in during)


def is_ok_after(attempt: Attempt, moment_us: int) -> bool:
    return attempt.outcome is Outcome.OK and attempt.done_us > moment_us


def test_a_hang_never_delays_the_next_tick(toy: Any, record: Record) -> None:
    recording = record(endpoint=toy.endpoint, attempt_deadline_s=0.2, connections=100).ready()
    recording.await_key(20)
    down = toy.do("hang")
    time.sleep(0.6)
    up = toy.do("back")
    recording.await_that(lambda found: any(is_ok_after(one, up) for one in found))
    attempts = recording.end()
    whole(attempts)
    agrees(attempts, toy.rows())
    given_up = [one for one in attempts if down < one.begun_us < one.done_us < up]
    assert given_up
    assert {(one.outcome, one.refusal) for one in given_up} == {(Outcome.UNKNOWN, Refusal.DEADLINE)}
    assert max(one.connections for one in attempts) > 5


def test_an_answer_that_comes_too_late_is_doubt_and_kept(toy: Any, record: Record) -> None:
    """As an application without a deadline: it hears the answer, and goes on writing there."""
    recording = record(endpoint=toy.endpoint, attempt_deadline_s=0.2, connections=24).ready()
    recording.await_key(20)
    down = toy.do("hang")
    recording.await_that(lambda found: sum(1 for one in found if one.done_us > down) > 5)
    time.sleep(0.3)
    up = toy.do("back")
    recording.await_that(lambda found: any(one.late_us for one in found))
    recording.await_that(lambda found: any(is_ok_after(one, up) for one in found))
    attempts = recording.end()
    agrees(attempts, toy.rows())
    late = [one for one in attempts if one.late_us]
    at_once = [sum(one.done_us <= each.done_us < one.late_us for one in late) for each in late]
    assert 0 < max(at_once, default=0) <= 24 // LATE_SHARE
    assert {one.outcome for one in late} == {Outcome.UNKNOWN}
    assert any(one.done_us < up < one.late_us for one in late)
    assert {one.key for one in late} <= toy.rows().keys()


def test_what_does_not_fit_is_shed_and_recorded(toy: Any, record: Record) -> None:
    recording = record(endpoint=toy.endpoint, connections=3).ready()
    recording.await_key(20)
    toy.do("hang")
    recording.await_that(lambda found: found[-1].outcome is Outcome.SHED)
    toy.do("back")
    attempts = recording.end()
    whole(attempts)
    shed = [one for one in attempts if one.outcome is Outcome.SHED]
    assert shed
    assert all(one.refusal is Refusal.TOO_MANY and one.sent_us == 0 for one in shed)
    assert max(one.connections for one in attempts) == 3


def test_an_answer_that_is_none_is_a_failure(toy: Any, record: Record) -> None:
    toy.do("no")
    recording = record(endpoint=toy.endpoint).ready()
    recording.await_key(10)
    attempts = recording.end()
    assert {one.refusal for one in attempts} == {Refusal.SERVER_ERROR}
    assert "answered 'no'" in recording.errors.read_text()
    assert recording.errors.read_text().count("\n") == 1
    assert toy.rows() == {}


def test_a_killed_recorder_leaves_a_ledger_that_accounts_for_every_row(
    toy: Any, record: Record
) -> None:
    recording = record(endpoint=toy.endpoint, rate_per_s=1000, connections=200).ready()
    recording.await_key(300)
    recording.process.kill()
    recording.process.wait()
    with Ledger(recording.path) as ledger:
        assert not ledger.closed
    agrees(recording.attempts(), toy.rows())
    assert len(toy.rows()) > 200


def test_ticks_missed_while_stopped_are_begun_at_once_with_their_own_time(
    toy: Any, record: Record
) -> None:
    recording = record(endpoint=toy.endpoint, connections=200).ready()
    recording.await_key(20)
    os.kill(recording.process.pid, signal.SIGSTOP)
    time.sleep(0.4)
    os.kill(recording.process.pid, signal.SIGCONT)
    recording.await_key(80)
    attempts = recording.end()
    whole(attempts)
    late = [one.begun_us - one.scheduled_us for one in attempts]
    assert max(late) > 300_000
    assert sum(1 for one in late if one > 100_000) > 20


@pytest.mark.parametrize("how", ["end of stdin", "stop", "TERM", "INT", "life"])
def test_it_ends_in_order(toy: Any, record: Record, how: str) -> None:
    life_s = 0.5 if how == "life" else 60
    recording = record(endpoint=toy.endpoint, max_life_s=life_s).ready()
    recording.await_key(10)
    pipe = recording.process.stdin
    if how == "end of stdin":
        pipe.close()
    elif how == "stop":
        pipe.write(b"stop\n")
        pipe.flush()
    elif how != "life":
        recording.process.send_signal(signal.Signals[f"SIG{how}"])
    assert recording.process.wait(10) == 0
    whole(recording.attempts())
    with Ledger(recording.path) as ledger:
        assert ledger.closed
        assert ledger.about["endpoints"] == [f"127.0.0.1:{toy.port}"]
        assert ledger.about["scheduling"] in ("fifo", "other")
        assert ledger.about["first_scheduled_us"] == recording.attempts()[0].scheduled_us
    if how == "life":
        assert len(recording.attempts()) == 50


def test_it_ends_when_its_parent_is_gone(toy: Any, record: Record) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    recording = record(endpoint=toy.endpoint, parent_pid=parent.pid).ready()
    parent.kill()
    assert recording.process.wait(10) == 0
    parent.wait()
    assert parent.stdin
    parent.stdin.close()
    with Ledger(recording.path) as ledger:
        assert ledger.closed


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"rate_per_s": None}, "lacks rate_per_s"),
        ({"extra": 1}, "unknown keys: extra"),
        ({"rate_per_s": "fast"}, "must be float"),
        ({"connections": 0}, "must be above 0"),
        ({"module": "os"}, "is no client"),
        ({"module": "firemarshal.probes.recorder.nothing"}, "is no client"),
        ({"endpoint": {"address": "name", "port": 1}}, "endpoint of 'client' is wrong"),
        ({"ledger": "/proc/no/such/folder"}, "no ledger of"),
        ({"ledger": "/dev/full"}, "no ledger of"),
        ({"rate_per_s": 1e8, "max_life_s": 1e8}, "no ledger of"),
        ({"parent_pid": 999_999_999}, "is gone"),
    ],
)
def test_a_wrong_spec_is_one_line_and_exit_code_4(
    toy: Any, record: Record, spec: dict[str, Any], said: str
) -> None:
    recording = record(**{"endpoint": toy.endpoint, **spec})
    assert recording.process.wait(10) == 4
    text = recording.errors.read_text()
    assert said in text
    assert text.count("\n") == 1
    assert recording.process.stdout.read() == b""


def test_a_ledger_is_never_written_over(toy: Any, record: Record, tmp_path: Path) -> None:
    first = record(endpoint=toy.endpoint).ready()
    first.await_key(5)
    kept = first.end()
    second = record(endpoint=toy.endpoint, ledger=str(first.path))
    assert second.process.wait(10) == 4
    assert "File exists" in second.errors.read_text()
    assert first.attempts() == kept
