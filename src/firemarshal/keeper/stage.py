"""What the parts of one drill share: the order, the journal, the hands and the instruments."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firemarshal.clock import now_us
from firemarshal.drill import Drill
from firemarshal.journal import Journal
from firemarshal.keeper.hands import FaultHands, Healer, Injection
from firemarshal.keeper.instrument import Instrument
from firemarshal.keeper.order import Order
from firemarshal.keeper.results import Result
from firemarshal.keeper.stragglers import SENTINEL_NOTE, end_session, forget_verb
from firemarshal.keeper.verbs import Answer, Call
from firemarshal.keeper.waiting import Waiting
from firemarshal.keeper.watch import Watch
from firemarshal.state import SystemState, Undo

PROBE_S = 20.0
Json = dict[str, Any]


@dataclass
class Stage:
    """One drill's state; `going_home` means that no stop is heeded any more.

    `step` is the number of the step that is carried out.
    """

    order: Order
    journal: Journal
    waiting: Waiting
    drill: Drill
    hands: FaultHands
    healer: Healer
    result: Result
    instruments: list[Instrument] = field(default_factory=list)
    prepared: list[str] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    before: dict[str, Json | None] = field(default_factory=dict)
    struck: Injection | None = None
    watch: Watch | None = None
    going_home: bool = False
    step: int = 0
    sentinel: "subprocess.Popen[bytes] | None" = None
    begun_us: int = field(default_factory=now_us)

    def state(self, system: str) -> SystemState:
        """Undo files of a system."""
        return SystemState(Path(self.order.state), self.order.target["name"], system)

    def probe(
        self,
        system: str,
        function: str,
        arguments: Json | None = None,
        *,
        deadline_s: float = PROBE_S,
        quiet: bool = False,
    ) -> Answer:
        """Ask the system's own module, in a child with a deadline."""
        call = Call(
            f"{function} {system}",
            self.order.module_of(system),
            function,
            arguments or {},
            self.order.configuration(system),
        )
        return self.hands.call(call, deadline_s, heed=not self.going_home, quiet=quiet)

    def note_what_we_make(self, system: str) -> None:
        """On disk before it is made, so that whoever heals also tidies up."""
        if system not in self.prepared:
            self.prepared.append(system)
            module, configuration = self.order.module_of(system), self.order.configuration(system)
            self.state(system).write_made(
                self.order.short_id, {"module": module, "configuration": configuration}
            )

    def stands_on(self, system: str) -> bool:
        """Whether something of this drill still stands there."""
        unhealed = any(one.value["system"] == system for one in self.unhealed())
        return unhealed or bool(self.result.standing.get(system))

    def heal(self, fault: str = "") -> None:
        """Take back what stands on the drill's systems, one fault only where it is named."""
        self._restore_undos()
        for system in self.drill.systems:
            state = self.state(system)
            if state.readable():
                self.waiting.tell({"tell": "healing", "standing": []})
                self.result.standing[system] = self.healer.heal_all(
                    state,
                    self.order.target["heal_within_s"],
                    lambda undo: not fault or undo.value["fault"] == fault,
                )
        if not fault:
            self.waiting.hold_until_us = 0

    def unhealed(self) -> list[Undo]:
        """What this drill armed and nobody has proved healed, whatever became of its file."""
        return [one for one in self.hands.armed if one.path.name not in self.healer.healed]

    def _restore_undos(self) -> None:
        """An undo whose file was deleted or damaged under us is known here all the same."""
        for undo in self.unhealed():
            state = self.state(undo.value["system"])
            if undo.path.name not in {one.path.name for one in state.readable()}:
                self.journal.note("undo was gone", file=undo.path.name, fault=undo.value["fault"])
                state.restore(undo)

    def captured(self, system: str) -> Json | None:
        """Configuration and topology now, None when nobody could tell."""
        answer = self.probe(system, "capture")
        return answer.value if answer.done else None

    @contextmanager
    def errand(self, what: str, ends_at_us: int) -> Iterator[None]:
        """While something is carried out: tell all the time what clients see of it."""

        def beat() -> None:
            if self.watch and self.struck:
                self.watch.tell_now(self.struck, f"the time of {what} ends", ends_at_us)

        self.waiting.on_beat = beat
        try:
            yield
        finally:
            self.waiting.on_beat = lambda: None

    def end_sentinel(self) -> None:
        """Nobody watches the stop conditions any more; every question dies with who asked it."""
        self.waiting.alarms.clear()
        if self.sentinel:
            end_session(self.sentinel.pid)
            self.sentinel.wait()
            for stream in (self.sentinel.stdin, self.sentinel.stdout):
                if stream:
                    stream.close()
            forget_verb(self.state(self.drill.systems[0]).folder, SENTINEL_NOTE)
            self.sentinel = None

    def end_instruments(self) -> None:
        """End every recorder; one that had died before takes the drill's verdict with it."""
        for one in self.instruments:
            died = not one.alive
            if not one.end(self.waiting) or died:
                how = "died" if died else "hung and had to be killed"
                self.result.end("INVALID", "recorder-lost", f"the recorder of {one.system} {how}")
        self.instruments = []


def set_up(order: Order, journal: Journal, waiting: Waiting) -> Stage:
    """A stage on which nothing has happened yet."""
    drill = order.drill
    return Stage(
        order,
        journal,
        waiting,
        drill,
        FaultHands(order, journal, waiting),
        Healer(journal, waiting, order.path, Path(order.state)),
        Result(order, drill),
    )
