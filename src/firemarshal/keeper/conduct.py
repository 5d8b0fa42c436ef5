"""One drill from the first Given to the seal: the order of things, and nothing else."""

from pathlib import Path
from typing import Any

from firemarshal.clock import boot_id, now_us, seconds_text
from firemarshal.journal import Journal
from firemarshal.keeper import instrument as instruments
from firemarshal.keeper.hands import FaultHands, Healer, Injection, until_done
from firemarshal.keeper.instrument import Instrument
from firemarshal.keeper.order import Ended, Order
from firemarshal.keeper.results import Result, judged
from firemarshal.keeper.verbs import Answer, Call
from firemarshal.keeper.waiting import Stopped, Waiting
from firemarshal.keeper.watch import Watch
from firemarshal.state import SystemState

PROBE_S = 20.0
HEALTHY_WITHIN_S = 10.0
Json = dict[str, Any]


class Conductor:
    """Executes the declarations of one drill as the runner comes to them."""

    def __init__(self, order: Order, journal: Journal, waiting: Waiting) -> None:
        self.order, self.journal, self.waiting = order, journal, waiting
        self.drill = order.drill
        self.hands = FaultHands(order, journal, waiting)
        self.healer = Healer(journal, waiting, order.path, Path(order.state))
        self.instruments: list[Instrument] = []
        self.prepared: list[str] = []
        self.aimed: dict[str, list[Json]] = {}
        self.before: dict[str, Json | None] = {}
        self.strikes_at_us = 0
        self.struck: Injection | None = None
        self.watch: Watch | None = None
        self.going_home = False
        self.result = Result(order, self.drill)

    def serve(self) -> Result:
        """Answer the runner until it is done or gone; always heals, always leaves a result."""
        try:
            while (request := self.waiting.next_request())["ask"] != "finish":
                self._answer(request["step"])
        except Stopped as stop:
            self.result.end("ABORTED", stop.code, stop.why)
            self.journal.note("stopped", durable=True, code=stop.code, why=stop.why)
        self._home()
        return self.result

    def _answer(self, number: int) -> None:
        step = self.drill.steps[number]
        self.journal.note("step", number=number, keyword=step.keyword, text=step.text)
        try:
            if self.result.code:
                raise Ended(self.result.verdict, self.result.code, self.result.why)
            if step.keyword == "then":
                self._close_watch()
            else:
                getattr(self, f"_do_{step.declaration['declares'].lower()}")(step.declaration)
        except Ended as ended:
            self.result.end(ended.verdict, ended.code, ended.why)
            self.journal.note(
                "ended", verdict=ended.verdict, code=ended.code, why=ended.why, step=number
            )
        self.waiting.tell({"tell": "answer", "step": number, **self.result.of_step(number)})

    # What each declaration does, in the order in which a feature says them.

    def _do_healthy(self, said: Json) -> None:
        system = said["system"]
        self._identify(system)
        answer = self.probe(system, "healthy", {"timeout_s": HEALTHY_WITHIN_S})
        if not answer.done:
            raise Ended("INVALID", "not-healthy-before", f"nobody could tell: {answer.error}")
        if not answer.value["healthy"]:
            why = "; ".join(answer.value["why"])
            raise Ended("INVALID", "not-healthy-before", f"{system} is not healthy: {why}")
        self.before[system] = self._captured(system)

    def _identify(self, system: str) -> None:
        answer = self.probe(system, "identify")
        if not answer.done:
            raise Ended("INVALID", "target-lost", f"{system} did not say who it is: {answer.error}")
        pinned = self.order.systems[system].get("identity") or {}
        for key, value in pinned.items():
            if str(answer.value.get(key)) != value:
                raise Ended(
                    "ABORTED",
                    "guard",
                    f"{system}: {key} is {answer.value.get(key)!r}, the profile pins {value!r}",
                )

    def _do_load(self, said: Json) -> None:
        system = said["system"]
        self._made(system)
        answer = self.probe(system, "prepare")
        if not answer.done:
            raise Ended("INVALID", "target-lost", f"nothing to write to: {answer.error}")
        clients = self.probe(system, "clients")
        if not clients.done:
            raise Ended("INVALID", "target-lost", f"no client can watch: {clients.error}")
        for client in clients.value:
            started = instruments.start(self.order, system, client, self.waiting)
            self.instruments.append(started)
            self.journal.note("recording", system=system, client=client["name"])
        self.watch = Watch(self.order, self.journal, self.waiting, self._judged(system))
        self.watch.take_baseline()

    def _made(self, system: str) -> None:
        """What the drill makes is on disk first, so that whoever heals also tidies up."""
        self.prepared.append(system)
        SystemState(Path(self.order.state), self.order.target["name"], system).write_made(
            self.order.short_id,
            {"module": self.order.module_of(system), "configuration": self._configured(system)},
        )

    def _judged(self, system: str) -> Instrument:
        return next(one for one in self.instruments if one.system == system and one.judged)

    def _do_aimed(self, said: Json) -> None:
        self.aimed[said["fault"]] = self.hands.aim(said["system"], said["fault"], said["arguments"])

    def _do_condition(self, said: Json) -> None:
        victims = self._victims(said)
        self._hold()
        injection = self.hands.inject(said["system"], said["fault"], victims)
        self.strikes_at_us = max(self.strikes_at_us, injection.before_us + said["for_us"])

    def _do_disaster(self, said: Json) -> None:
        victims = self._victims(said)
        self._hold()
        self.waiting.pause(self.strikes_at_us)
        self.struck = self.hands.inject(said["system"], said["fault"], victims)
        self.result.injected = True
        self.journal.note(
            "disaster", durable=True, t0=[self.struck.before_us, self.struck.after_us]
        )
        self.waiting.tell({"tell": "struck", "fault": said["fault"], "t0_us": self.struck.after_us})
        if said["hold_us"] is not None:
            self.waiting.pause(self.struck.after_us + said["hold_us"])
            self._planned_end()

    def _planned_end(self) -> None:
        """The disaster ends by itself at this time: healing belongs to it, not to us."""
        self._heal()
        if self.watch:
            self.watch.planned, self.watch.heal_ended_us = True, now_us()

    def _victims(self, said: Json) -> list[Json]:
        kept = self.aimed.get(said["fault"])
        return kept or self.hands.aim(said["system"], said["fault"], said["arguments"])

    def _hold(self) -> None:
        if not self.waiting.hold_until_us:
            held_us = round(self.order.target["max_hold_s"] * 1e6)
            self.waiting.hold_until_us = now_us() + held_us

    # After the disaster.

    def _close_watch(self) -> None:
        if self.result.promises or self.watch is None or self.struck is None:
            return
        watch, struck = self.watch, self.struck
        watch.until_recovered_and_calm(self.drill, struck)
        if not watch.planned:
            watch.heal_began_us = now_us()
        self._heal()
        watch.heal_ended_us = watch.heal_ended_us or now_us()
        self._redundant()
        watch.stay_calm(struck)
        self._end_instruments()
        reconciled = self._reconcile(watch.instrument)
        self.result.promises = judged(self.drill, self.journal, watch, struck, reconciled)
        self.result.conclude()

    def _heal(self) -> None:
        for system in self.drill.systems:
            state = SystemState(Path(self.order.state), self.order.target["name"], system)
            if not state.pending():
                continue
            self.waiting.tell({"tell": "healing", "standing": []})
            standing = self.healer.heal_all(state, self.order.target["heal_within_s"])
            self.result.standing += standing
        self.waiting.hold_until_us = 0

    def _redundant(self) -> None:
        """Wait until the members follow again: before that nobody can count what was lost."""
        for system in self.drill.systems:
            began_us, seen = now_us(), [""]

            def followed(system: str = system, seen: list[str] = seen) -> bool:
                answer = self.probe(system, "redundant", {"timeout_s": 3.0}, quiet=True)
                seen[0] = answer.error or "; ".join((answer.value or {}).get("why", []))
                return answer.done and answer.value["redundant"] is True

            done = until_done(self.waiting, followed, self.order.target["heal_within_s"])
            self.journal.note(
                "redundancy",
                system=system,
                back=done,
                after=seconds_text(now_us() - began_us),
                why="" if done else seen[0],
            )

    def _reconcile(self, instrument: Instrument) -> Json | None:
        answer = self.probe(
            instrument.system, "reconcile", {"ledger": str(instrument.path)}, deadline_s=120
        )
        return answer.value if answer.done else None

    # The way home: reached from every ending.

    def _home(self) -> None:
        self.going_home = True
        self._heal()
        self._end_instruments()
        for system in list(self.drill.systems):
            self._look_after(system)
        for system in self.prepared:
            self._forget(system)
        if self.journal.broken:
            self.result.end("ABORTED", "defect", self.journal.broken)
        self.result.conclude()
        self.journal.note("result", durable=True, **self.result.as_json())

    def _end_instruments(self) -> None:
        for one in self.instruments:
            died = not one.alive
            one.end(self.waiting)
            if died:
                self.result.end("INVALID", "recorder-lost", f"the recorder of {one.system} died")
        self.instruments = []

    def _look_after(self, system: str) -> None:
        """`target_after`: what the drill leaves, by the same canary that opened it."""
        if system not in self.before:
            self.result.after(system, self.before.get(system), None, [])
            return
        seen: Json = {}

        def well() -> bool:
            answer = self.probe(system, "healthy", {"timeout_s": 5.0}, quiet=True)
            seen.update(answer.value if answer.done else {"healthy": None, "why": [answer.error]})
            return seen["healthy"] is True

        until_done(self.waiting, well, self.order.target["heal_within_s"])
        after = self._captured(system) if seen["healthy"] is not None else None
        self.journal.note("steady state", system=system, healthy=seen["healthy"], why=seen["why"])
        self.result.after(system, self.before[system], after, seen["why"])

    def _forget(self, system: str) -> None:
        answer = self.probe(system, "forget")
        if answer.done:
            SystemState(Path(self.order.state), self.order.target["name"], system).unmade(
                self.order.short_id
            )
        else:
            self.result.left.append(f"marker rows of {self.order.short_id} on {system}")

    def _captured(self, system: str) -> Json | None:
        answer = self.probe(system, "capture")
        return answer.value if answer.done else None

    def _configured(self, system: str) -> Json:
        return self.order.configuration(system)

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
            self._configured(system),
        )
        heed = not self.going_home
        return self.hands.call(call, deadline_s, heed=heed, quiet=quiet)


def open_journal(order: Order, waiting: Waiting) -> Journal:
    """The keeper's journal, with line 1 that says everything a later reader must know."""
    journal = Journal(
        order.path / "journal.jsonl", "keeper", lambda line: waiting.tell(_told(line))
    )
    journal.note(
        "opened",
        durable=True,
        run=order.run,
        drill=order.drill_json,
        drill_sha256=order.drill.sha256,
        target=_whole(order.target),
        boot_id=boot_id(),
        about=order.about,
    )
    return journal


def _whole(target: Json) -> Json:
    return {key: str(value) if isinstance(value, float) else value for key, value in target.items()}


def _told(line: Json) -> Json:
    short: Json = {key: line[key] for key in ("event", "fault", "system", "why") if key in line}
    return {"tell": "event", **short}
