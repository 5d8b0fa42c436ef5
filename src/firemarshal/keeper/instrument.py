"""The recorder as the keeper holds it: started before the fault, ended after healing."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from firemarshal.clock import now_us
from firemarshal.keeper.order import Ended, Order
from firemarshal.keeper.waiting import Stopped, Waiting
from firemarshal.ledger import Attempt, Ledger

RECORDER = "firemarshal.probes.recorder"
START_US = 15_000_000
OUTLIVES_S = 60
Json = dict[str, Any]


@dataclass
class Instrument:
    """One recorder process and its ledger."""

    system: str
    name: str
    judged: bool
    path: Path
    process: subprocess.Popen[bytes]
    settings: Json

    @property
    def alive(self) -> bool:
        """Whether the recorder still runs."""
        return self.process.poll() is None

    def attempts(self, first: int = 1) -> list[Attempt]:
        """What it has recorded so far, from a key on."""
        with Ledger(self.path) as ledger:
            return list(ledger.attempts(first))

    def end(self, waiting: Waiting) -> bool:
        """Ask it to end in order and wait; one that does not listen is killed.

        Returns whether it ended in order, its ledger closed: only then has it seen everything.
        """
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        until_us = now_us() + 10_000_000
        while self.alive and now_us() < until_us:
            waiting.pause(now_us() + 20_000, heed=False)
        if self.alive:
            self.process.kill()
        code = self.process.wait()
        try:
            with Ledger(self.path) as ledger:
                return code == 0 and ledger.closed
        except (OSError, ValueError):
            return False


def start(order: Order, system: str, client: Json, waiting: Waiting) -> Instrument:
    """Start a recorder for one client of a system; raises Ended when it does not come up."""
    settings = order.systems[system].get("recorder") or {}
    ledger = order.path / f"{system}-{client['name']}.ledger"
    spec = {
        "ledger": str(ledger),
        "name": client["name"],
        "module": client["module"],
        "endpoint": client["endpoint"],
        **{key: settings[key] for key in _NEEDED},
        "max_life_s": order.target["max_hold_s"] + settings["baseline_s"] + OUTLIVES_S,
    }
    spec_path = order.path / f"{system}-{client['name']}.recorder.json"
    log_path = order.path / f"{system}-{client['name']}.recorder.log"
    process = _spawn(spec, spec_path, log_path)
    instrument = Instrument(
        system, client["name"], bool(client.get("judged")), ledger, process, settings
    )
    try:
        _await_ready(instrument, waiting, log_path)
    except (Ended, Stopped):
        instrument.end(waiting)
        raise
    finally:
        spec_path.unlink()  # it may hold a connection string
    return instrument


_NEEDED = ("rate_per_s", "attempt_deadline_s", "host_timeout_s", "connections")


def _spawn(spec: Json, spec_path: Path, log_path: Path) -> "subprocess.Popen[bytes]":
    spec_path.write_bytes(orjson.dumps({**spec, "parent_pid": os.getpid()}))
    spec_path.chmod(0o600)
    with log_path.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", RECORDER, str(spec_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )


def _await_ready(instrument: Instrument, waiting: Waiting, log_path: Path) -> None:
    out = instrument.process.stdout
    assert out is not None
    until_us = now_us() + START_US
    while waiting.for_any([out.fileno()], until_us):
        line = out.readline()
        if line == b"ready\n":
            return
        if not line:
            break
    tail = log_path.read_text(errors="replace").strip().splitlines()[-3:]
    raise Ended(
        "INVALID",
        "recorder-lost",
        f"the recorder of {instrument.system!r} did not start: {' '.join(tail) or 'no reason'}",
    )
