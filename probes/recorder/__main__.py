"""`python -m firemarshal.probes.recorder SPEC.json`: record attempts until told to stop.

Prints `ready` when ticking begins. Ends in order, exit code 0, on `stop` or the end of stdin,
SIGTERM, SIGINT, the end of `parent_pid` or of `max_life_s`; exit code 4 when it cannot begin.
"""

import gc
import os
import sys
from importlib import import_module
from pathlib import Path

from firemarshal.clock import boot_id, now_us
from firemarshal.ledger import LedgerWriter
from firemarshal.probes.recorder.client import Client
from firemarshal.probes.recorder.core import Recorder
from firemarshal.probes.recorder.spec import BadSpec, Spec

BAD_INPUT = 4
PRIORITY = 50
HEAD_START_US = 50_000
MOST_REASONS = 20


def main(arguments: list[str]) -> int:
    """Run one recorder to its end; returns the exit code."""
    if len(arguments) != 1:
        _complain("usage: python -m firemarshal.probes.recorder SPEC.json")
        return BAD_INPUT
    try:
        _record(Spec.load(Path(arguments[0])))
    except BadSpec as error:
        _complain(f"the recorder cannot begin: {error}")
        return BAD_INPUT
    return 0


def _record(spec: Spec) -> None:
    client = _open_client(spec)
    scheduling = _hurry()
    first_us = now_us() + HEAD_START_US
    seed = int.from_bytes(os.urandom(4))
    about = {
        "name": spec.name,
        "rate_per_s": spec.rate_per_s,
        "attempt_deadline_s": spec.attempt_deadline_s,
        "host_timeout_s": spec.host_timeout_s,
        "connections": spec.connections,
        "endpoints": client.endpoints,
        "boot_id": boot_id(),
        "pid": os.getpid(),
        "first_scheduled_us": first_us,
        "scheduling": scheduling,
        "seed": seed,
    }
    try:
        ledger = LedgerWriter(Path(spec.ledger), spec.capacity, about)
    except (OSError, ValueError) as error:
        raise BadSpec(
            f"no ledger of {spec.capacity} attempts can be made at {spec.ledger}: {error}"
        ) from error
    gc.freeze()
    try:
        Recorder(spec, client, ledger, _Reasons()).run(first_us, seed, _say_ready)
    finally:
        ledger.close()


def _open_client(spec: Spec) -> Client:
    try:
        client: Client = import_module(spec.module).open_client(spec.endpoint)
    except (ImportError, AttributeError) as error:
        raise BadSpec(f"module = {spec.module!r} is no client of a recorder: {error}") from error
    except ValueError as error:
        raise BadSpec(f"endpoint of {spec.name!r} is wrong: {error}") from error
    return client


def _hurry() -> str:
    """Ask for SCHED_FIFO: under load it keeps ticks within 0.1 ms; without, 3 ms are usual."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except PermissionError:
        return "other"
    return "fifo"


def _say_ready() -> None:
    try:
        os.write(1, b"ready\n")
    except BrokenPipeError as error:
        raise BadSpec("nobody reads its stdout") from error


class _Reasons:
    """Tells people every reason once, the first few: the ledger has room for a code only."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, text: str) -> None:
        if text and text not in self._said and len(self._said) < MOST_REASONS:
            self._said.add(text)
            _complain(text)


def _complain(text: str) -> None:
    sys.stderr.write(" ".join(text.split()) + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
