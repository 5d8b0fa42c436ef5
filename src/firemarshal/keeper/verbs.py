"""A verb in a child of its own: killed at its deadline and reaped before anything is healed."""

import ctypes
import os
import re
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from chaoslib.activity import execute_activity

from firemarshal.clock import now_us
from firemarshal.keeper.stragglers import end_session
from firemarshal.keeper.waiting import Waiting
from firemarshal.secrets import without_secrets

PR_SET_PDEATHSIG = 1
MOST_DESCRIPTORS = 4096
FAILED = re.compile(r"ActivityFailed: (?P<name>[A-Za-z_][\w.]*): (?P<text>.*)", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """What came of a verb; `status` is done, raised, late (killed at its deadline) or died.

    `before_us` and `after_us` enclose the call itself, measured by the child, so that neither
    fork nor pipe widens a T0; both 0 when the child never came to it.
    """

    status: str
    value: Any = None
    error: str = ""
    error_type: str = ""
    before_us: int = 0
    after_us: int = 0

    @property
    def done(self) -> bool:
        """Whether the call returned a value."""
        return self.status == "done"


@dataclass(frozen=True)
class Call:
    """A function by name with JSON arguments: also a Chaos Toolkit activity, to be replayed.

    `leaves_running` spares what a call left in the background when it returned, and its answer
    has no `ok` that is false: a team's own script that starts a server has done its work, while a
    verb that leaves something has a defect.
    """

    name: str
    module: str
    function: str
    arguments: dict[str, Any]
    configuration: dict[str, Any]
    leaves_running: bool = False

    def activity(self) -> dict[str, Any]:
        """The call in Chaos Toolkit's own format."""
        return {
            "type": "action" if self.function in ("inject", "heal", "perform") else "probe",
            "name": self.name,
            "provider": {
                "type": "python",
                "module": self.module,
                "func": self.function,
                "arguments": _literal(self.arguments),
            },
        }


def _literal(value: Any) -> Any:
    """The value as chaoslib hands it on unchanged: it would read `$name` as a variable."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: _literal(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_literal(one) for one in value]
    return value


def run_verb(
    call: Call,
    deadline_s: float,
    waiting: Waiting,
    log: Path,
    *,
    heed: bool,
    forked: Callable[[int], None],
) -> Answer:
    """Run a call in a forked session; the caller goes on watching the runner meanwhile.

    `heed` False is for healing: nothing but the deadline ends it. `forked` learns the session
    before the call begins. The child and whatever it started in its session are dead when this
    returns, whatever the answer; but for a call that went well and `leaves_running`.
    """
    reader, writer = os.pipe()
    go_reader, go_writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.close(go_writer)
        _child(call, writer, log, go_reader)
    os.close(writer)
    os.close(go_reader)
    pidfd = os.pidfd_open(pid)
    began_us = now_us()
    data: bytes | None = None
    try:
        forked(pid)
        os.write(go_writer, b"go")
        data = _collect(reader, pidfd, waiting, began_us + round(deadline_s * 1e6), heed)
    finally:
        _end(pid, pidfd, spare=call.leaves_running and _went_well(data))
        os.close(go_writer)
        os.close(reader)
        os.close(pidfd)
    if data is None:
        return Answer("late", error=f"no answer within {deadline_s:g} s")
    if not data:
        return Answer("died", error="its process ended without an answer")
    return Answer(**orjson.loads(data))


def _went_well(data: bytes | None) -> bool:
    """Whether the call returned, and does not itself say that it failed."""
    try:
        said = orjson.loads(data or b"null")
    except orjson.JSONDecodeError:
        return False  # killed while it answered
    if said is None or said["status"] != "done":
        return False
    return not (isinstance(said["value"], dict) and said["value"].get("ok") is False)


def _collect(reader: int, pidfd: int, waiting: Waiting, until_us: int, heed: bool) -> bytes | None:
    """The child's answer: bytes, empty when it died, None when the deadline passed."""
    data = b""
    while True:
        if not waiting.for_any([reader, pidfd], until_us, heed=heed):
            return None
        chunk = os.read(reader, 1 << 16) if waiting.ready(reader) else b""
        data += chunk
        if not chunk and waiting.ready(pidfd):
            return data


def _end(pid: int, pidfd: int, *, spare: bool) -> None:
    """End the child, and all that it started unless that is spared.

    Before it is reaped, so that its pid cannot be another's yet.
    """
    if not spare:
        end_session(pid)
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.waitpid(pid, 0)


def _die_with_the_keeper() -> None:
    libc: Any = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _child(call: Call, writer: int, log: Path, go_reader: int) -> None:
    """Never returns; an exception that chaoslib does not turn into an answer ends as died.

    It waits for the word to go: a keeper killed before it noted the session gives none.
    """
    status = 1
    try:
        os.setsid()
        _die_with_the_keeper()
        if os.read(go_reader, 2) != b"go":
            os._exit(status)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        _redirect(log)
        _close_all_but(writer)
        answer = _execute(call)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(orjson.dumps(vars(answer)))
        status = 0
    finally:
        os._exit(status)


def _close_all_but(writer: int) -> None:
    """A verb's own child must not hold the lock or the channel of a keeper that is dead."""
    os.closerange(3, writer)
    os.closerange(writer + 1, MOST_DESCRIPTORS)


def _redirect(log: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(nothing, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)


def _execute(call: Call) -> Answer:
    runs: list[dict[str, Any]] = []
    before_us = now_us()
    run: dict[str, Any] = execute_activity(
        {"title": call.name}, call.activity(), call.configuration, {}, False, runs=runs
    )
    after_us = now_us()
    if run["status"] == "succeeded":
        return Answer("done", value=run["output"], before_us=before_us, after_us=after_us)
    text = "".join(run.get("exception") or ["no exception was kept"])
    text = without_secrets(text)
    print(text, flush=True)  # noqa: T201 - to the verb's log
    found = FAILED.search(text)
    error_type, error = (found["name"], found["text"].strip()) if found else ("", text[-500:])
    return Answer("raised", None, error, error_type.rpartition(".")[2], before_us, after_us)
