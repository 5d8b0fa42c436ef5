"""A verb in its child: every way not to come back, and nothing of it left afterwards."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firemarshal.clock import now_us
from firemarshal.keeper.stragglers import end_stragglers, note_verb, start_of
from firemarshal.keeper.verbs import Answer, Call, run_verb
from firemarshal.keeper.waiting import Stopped, Waiting

MODULE = "blocking_verbs"


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    ours, theirs = socket.socketpair()
    yield Waiting(theirs, os.getpid())
    ours.close()


def run(
    waiting: Waiting, tmp_path: Path, name: str, deadline_s: float = 0.3, **words: Any
) -> Answer:
    call = Call(name, MODULE, name, words, {"system": {"name": "x"}, "target": "t", "drill": "d"})
    return run_verb(call, deadline_s, waiting, tmp_path / "log", heed=True, forked=lambda pid: None)


def test_an_answer_comes_back_with_the_times_of_the_call(waiting: Waiting, tmp_path: Path) -> None:
    before_us = now_us()
    answer = run(waiting, tmp_path, "echo", 5, value=[1, {"a": None}])
    assert answer.done
    assert answer.value == [1, {"a": None}]
    assert before_us <= answer.before_us <= answer.after_us <= now_us()


@pytest.mark.parametrize("text", ["$drill", "${drill}", "$$", "a$b", "${system}", "$", "5$"])
def test_a_dollar_in_an_argument_stays_a_dollar(
    waiting: Waiting, tmp_path: Path, text: str
) -> None:
    """chaoslib substitutes variables; a path or command line must reach heal as it was aimed."""
    assert run(waiting, tmp_path, "echo", 5, value={"argv": [text]}).value == {"argv": [text]}


def test_an_exception_is_an_answer_with_its_name(waiting: Waiting, tmp_path: Path) -> None:
    answer = run(waiting, tmp_path, "changed", 5)
    assert (answer.status, answer.error_type) == ("raised", "VictimChanged")
    assert answer.error == "it is another one"


@pytest.mark.parametrize("name", ["sleep", "spin", "swallow", "stubborn", "grandchild", "stop"])
def test_a_verb_that_hangs_is_killed_with_all_it_started(
    waiting: Waiting, tmp_path: Path, name: str
) -> None:
    """Nothing of it can do its harm after the deadline, when healing has been proved."""
    mark = tmp_path / "harm"
    answer = run(waiting, tmp_path, name, path=str(mark))
    assert answer.status == "late"
    time.sleep(0.8)
    assert not mark.exists()


def test_a_verb_that_dies_is_no_answer(waiting: Waiting, tmp_path: Path) -> None:
    assert run(waiting, tmp_path, "die", 5).status == "died"


def test_a_large_answer_comes_whole(waiting: Waiting, tmp_path: Path) -> None:
    assert len(run(waiting, tmp_path, "large", 10).value) == 3_000_000


def test_a_stop_ends_a_verb_at_once(waiting: Waiting, tmp_path: Path) -> None:
    """A person need not wait for the deadline of a verb that hangs."""
    waiting.stop = Stopped("signal", "SIGINT")
    with pytest.raises(Stopped):
        run(waiting, tmp_path, "sleep", 30, path=str(tmp_path / "harm"))


def test_stragglers_of_a_dead_keeper_are_ended_and_nobody_else(tmp_path: Path) -> None:
    """The noted session goes; a process that got its pid later would not."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        signal.pause()
        os._exit(0)
    while os.getsid(pid) != pid:
        time.sleep(0.01)
    note_verb(tmp_path, pid)
    noted = (tmp_path / "verb.json").read_bytes()
    (tmp_path / "verb.json").write_bytes(noted.replace(str(start_of(pid)).encode(), b"1"))
    assert end_stragglers(tmp_path) == []
    (tmp_path / "verb.json").write_bytes(noted)
    assert len(end_stragglers(tmp_path)) == 1
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    assert end_stragglers(tmp_path) == []
