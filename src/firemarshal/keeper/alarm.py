"""The stop conditions in the keeper's hands: the sentinel begun, believed, missed, and ended."""

import os
import subprocess
import sys
from typing import IO

import orjson

from firemarshal.clock import now_us
from firemarshal.keeper.stage import Stage
from firemarshal.keeper.stragglers import SENTINEL_NOTE, note_verb
from firemarshal.keeper.waiting import Stopped

SENTINEL = "firemarshal.keeper.sentinel"
READY_S, SILENT_S = 5.0, 3.0


def watch(stage: Stage) -> str:
    """Start the sentinel and wait until every condition has allowed the drill; "" when it does."""
    system = stage.drill.systems[0]
    spec = {
        "conditions": stage.order.target["stop_when"],
        "configuration": stage.order.configuration(system),
        "folder": str(stage.order.rootdir),
    }
    reader, beats = os.pipe()
    os.set_blocking(reader, False)
    process = subprocess.Popen(
        [sys.executable, "-m", SENTINEL, str(beats)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        pass_fds=[beats],
        start_new_session=True,  # all it asks is in there, to be ended with it
    )
    os.close(beats)
    stage.sentinel = process
    note_verb(stage.state(system).folder, process.pid, SENTINEL_NOTE)
    assert process.stdin and process.stdout
    process.stdin.write(orjson.dumps(spec) + b"\n")
    slowest_s = max(one["within_s"] for one in spec["conditions"])
    out = process.stdout
    if not stage.waiting.for_any([out.fileno()], now_us() + round((slowest_s + READY_S) * 1e6)):
        return "they were not all answered in time"
    if (first := _line(out)) != "ready":
        return first or "what watches them died"
    stage.waiting.alarms[out.fileno()] = lambda: Stopped(
        "stop-condition", _line(out) or "what watches the stop conditions died"
    )
    pulse, orders = Pulse(reader), stage.waiting.orders
    stage.waiting.orders = lambda: orders() or pulse.missed()
    return ""


class Pulse:
    """Whether the sentinel still asks: a stopped one neither says so nor ends."""

    def __init__(self, reader: int) -> None:
        self._reader = reader
        self._looked_us = self._heard_us = now_us()

    def missed(self) -> Stopped | None:
        """A reason to stop when nothing was heard for too long.

        Who did not look for long cannot tell: a machine that slept would stop every drill.
        """
        at_us, limit_us = now_us(), round(SILENT_S * 1e6)
        slept = at_us - self._looked_us > limit_us
        self._looked_us = at_us
        try:
            heard = slept or bool(os.read(self._reader, 1 << 16))
        except BlockingIOError:
            heard = False
        self._heard_us = at_us if heard else self._heard_us
        if at_us - self._heard_us <= limit_us:
            return None
        why = f"nobody has asked the stop conditions for {SILENT_S:g} s"
        return Stopped("stop-condition", why)


def _line(out: IO[bytes]) -> str:
    return out.readline().decode(errors="replace").strip()
