"""The stop conditions of a profile, asked all the time by a process that nothing else can block.

`python -m firemarshal.keeper.sentinel BEATS`: reads one JSON object from its input, answers `ready`
when every condition has allowed the drill, and one line with the reason when one does not; ends
with its input. A byte on the descriptor BEATS every now and then says that it is still asking.
"""

import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from firemarshal.clock import now_us
from firemarshal.fault import NotDone
from firemarshal.keeper.errands import command, request
from firemarshal.keeper.stragglers import end_started

BEAT_US = 200_000
LONGEST = 2000
BEYOND_S = 3600.0  # the asker's own deadline is the one that counts
Json = dict[str, Any]


def main() -> None:
    """Ask until one condition says stop, or the keeper hangs up; leaves no question behind."""
    spec: Json = orjson.loads(sys.stdin.buffer.readline())
    beats = int(sys.argv[1])
    watched = [Watched(one, spec["configuration"], spec["folder"]) for one in spec["conditions"]]
    ready = False
    try:
        while not _hung_up([one.question.pidfd for one in watched if one.question]):
            with suppress(BrokenPipeError):  # the next look finds that the keeper hung up
                os.write(beats, b".")
            for one in watched:
                one.look()
            if why := next((one.why for one in watched if one.stops), ""):
                print(why.replace("\n", " "), flush=True)  # noqa: T201 - the keeper reads it
                return
            if not ready and (ready := all(one.allowed for one in watched)):
                print("ready", flush=True)  # noqa: T201 - the keeper reads it
    finally:
        end_started(os.getpid())


def _hung_up(questions: list[int]) -> bool:
    """Wait for an answer, or until it is time to look again; True when nobody listens any more."""
    poll = select.poll()
    for one in [0, *questions]:
        poll.register(one, select.POLLIN)
    return any(descriptor == 0 for descriptor, _ in poll.poll(BEAT_US / 1000))


class Watched:
    """One condition: its question now, and what it has said so far."""

    def __init__(self, condition: Json, configuration: Json, folder: str) -> None:
        self._condition, self._configuration, self._folder = condition, configuration, folder
        self._due_us = self._noes = 0
        self.question: Question | None = None
        self.allowed, self.why = False, ""

    @property
    def stops(self) -> bool:
        """A no before the first yes counts at once: a drill must not begin on one."""
        return bool(self._noes) and (not self.allowed or self._noes >= self._condition["times"])

    def look(self) -> None:
        """Ask when it is time, and take an answer that is there."""
        if self.question is None:
            if now_us() >= self._due_us:
                self.question = Question(self._condition, self._configuration, self._folder)
        elif (why := self.question.answer()) is not None:
            self.question = None
            self._due_us = now_us() + round(self._condition["every_s"] * 1e6)
            self.why, self._noes = why, self._noes + 1 if why else 0
            self.allowed = self.allowed or not why


class Question:
    """A condition asked once, in a child that is ended at `within_s` with all it started."""

    def __init__(self, condition: Json, configuration: Json, folder: str) -> None:
        self._name, self._within_s = condition["name"], condition["within_s"]
        self._until_us = now_us() + round(self._within_s * 1e6)
        self._reader, writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _ask(condition, configuration, folder, writer)
        os.close(writer)
        self.pidfd = os.pidfd_open(self._pid)

    def answer(self) -> str | None:
        """Why the drill must stop, "" while it may go on; None while nothing has come."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        ended = bool(poll.poll(0))
        if not ended and now_us() < self._until_us:
            return None
        if ended:
            said = os.read(self._reader, 1 << 16)
            why = orjson.loads(said)["why"] if said else f"{self._name}: its question failed"
        else:
            why = f"{self._name}: no answer within {self._within_s:g} s"
            _end(self._pid)
        os.waitpid(self._pid, 0 if ended else os.WNOHANG)  # a stuck disk must not hold us
        os.close(self._reader)
        os.close(self.pidfd)
        return why


def _end(pid: int) -> None:
    """End a child with what it started; stopped first, so that it starts nothing more."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    end_started(pid)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _ask(condition: Json, configuration: Json, folder: str, writer: int) -> None:
    """Never returns; what goes wrong in here leaves no answer, and that is a "no"."""
    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)  # the keeper must see the end of the sentinel, not of a question
        why = why_stop(condition, configuration, folder)
        os.write(writer, orjson.dumps({"why": why[:LONGEST]}))
        status = 0
    finally:
        os._exit(status)


def why_stop(condition: Json, configuration: Json, folder: str) -> str:
    """Why the drill must stop, "" while it may go on; a question that fails is a "no"."""
    name = condition["name"]
    try:
        if condition["file"]:
            return f"{name}: {condition['file']} is there" if _exists(condition["file"]) else ""
        given: Json = {"timeout_s": BEYOND_S, "configuration": configuration}
        if condition["http"]:
            answer = request(**condition["http"], **given)
        else:
            given |= {"on": "", "folder": folder, "log": os.devnull, "words": {}}
            given |= {"spare": False}
            answer = command(argv=condition["run"], **given)
    except (NotDone, OSError) as problem:
        return f"{name}: {problem}"
    said = f": {answer['said']}" if answer["said"] else ""
    return "" if answer["ok"] else f"{name}: {answer['answer']}{said[:200]}"


def _exists(path: str) -> bool:
    """Raises OSError where nobody can tell, which `Path.exists` would take for a no."""
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


if __name__ == "__main__":
    main()
