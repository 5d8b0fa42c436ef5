"""One drill from the first Given to the result: the order of things, and nothing else."""

import traceback
from typing import Any

from firemarshal.clock import now_us
from firemarshal.keeper import instrument as instruments
from firemarshal.keeper.aftermath import close_watch, go_home
from firemarshal.keeper.claiming import claim, holder
from firemarshal.keeper.guarding import before_anything, before_harm
from firemarshal.keeper.instrument import Instrument
from firemarshal.keeper.order import Ended
from firemarshal.keeper.recoveries import carry_out, recover
from firemarshal.keeper.results import Result
from firemarshal.keeper.stage import Stage
from firemarshal.keeper.waiting import Stopped
from firemarshal.keeper.watch import Watch

HEALTHY_WITHIN_S = 5.0
Json = dict[str, Any]


class Conductor:
    """Executes the declarations of one drill as the runner comes to them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.aimed: dict[tuple[str, str], list[Json]] = {}
        self.strikes_at_us = 0

    def serve(self) -> Result:
        """Answer the runner until it is done or gone; always heals, always leaves a result."""
        stage = self.stage
        for part in (self._guarded, self._converse, lambda: go_home(stage)):
            try:
                part()
            except Stopped as stop:
                stage.result.end("ABORTED", stop.code, stop.why)
                stage.journal.note("stopped", durable=True, code=stop.code, why=stop.why)
            except Exception as defect:  # noqa: BLE001 - whatever went wrong, healing comes next
                traceback.print_exc()
                stage.result.end("ABORTED", "defect", f"{type(defect).__name__}: {defect}")
                stage.journal.note("defect", durable=True, why=stage.result.why)
        stage.result.unproved = [
            f"{one.value['system']}: {one.value['fault']}" for one in stage.unhealed()
        ]
        stage.result.conclude()
        stage.journal.note("result", durable=True, **stage.result.as_json())
        return stage.result

    def _guarded(self) -> None:
        try:
            before_anything(self.stage)
            self._know_everybody()  # a tombstone must not be left on a stranger either
            claim(self.stage)
        except Ended as ended:
            self.stage.result.end(ended.verdict, ended.code, ended.why)

    def _know_everybody(self) -> None:
        """Raises Ended for a stranger, and for one that is silent because another drills it."""
        try:
            for system in self.stage.drill.systems:
                self._identify(system)
        except Ended as ended:
            held = holder(self.stage, system) if ended.code == "target-lost" else ""
            over = Ended("ABORTED", "lock", held) if held else ended
            self.stage.journal.note("ended", verdict=over.verdict, code=over.code, why=over.why)
            raise over from None

    def _converse(self) -> None:
        waiting = self.stage.waiting
        while (request := waiting.next_request())["ask"] != "finish":
            number = request["step"]
            self._execute(number)
            waiting.tell({"tell": "answer", "step": number, **self.stage.result.of_step(number)})

    def _execute(self, number: int) -> None:
        stage, step = self.stage, self.stage.drill.steps[number]
        stage.step = number
        stage.journal.note("step", number=number, keyword=step.keyword, text=step.text)
        if stage.result.code:
            return
        try:
            if step.keyword == "then":
                close_watch(stage)
            else:
                getattr(self, f"_do_{step.declaration['declares'].lower()}")(step.declaration)
        except Ended as ended:
            stage.result.end(ended.verdict, ended.code, ended.why)
            stage.journal.note("ended", verdict=ended.verdict, code=ended.code, why=ended.why)

    # What each declaration does, in the order in which a feature says them.

    def _do_healthy(self, said: Json) -> None:
        system = said["system"]
        self._identify(system)
        answer = self.stage.probe(system, "healthy", {"timeout_s": HEALTHY_WITHIN_S})
        if not answer.done:
            raise Ended("INVALID", "not-healthy-before", f"nobody could tell: {answer.error}")
        if not answer.value["healthy"]:
            why = "; ".join(answer.value["why"])
            raise Ended("INVALID", "not-healthy-before", f"{system} is not healthy: {why}")
        self.stage.before[system] = self.stage.captured(system)

    def _identify(self, system: str) -> None:
        answer = self.stage.probe(system, "identify")
        if not answer.done:
            raise Ended("INVALID", "target-lost", f"{system} did not say who it is: {answer.error}")
        pinned = self.stage.order.systems[system].get("identity") or {}
        for key, value in pinned.items():
            if str(answer.value.get(key)) != value:
                raise Ended(
                    "ABORTED",
                    "guard",
                    f"{system}: {key} is {answer.value.get(key)!r}, the profile pins {value!r}",
                )

    def _do_load(self, said: Json) -> None:
        system, stage = said["system"], self.stage
        stage.note_what_we_make(system)
        answer = stage.probe(system, "prepare")
        if not answer.done:
            raise Ended("INVALID", "target-lost", f"nothing to write to: {answer.error}")
        clients = stage.probe(system, "clients")
        if not clients.done:
            raise Ended("INVALID", "target-lost", f"no client can watch: {clients.error}")
        for client in clients.value:
            started = instruments.start(stage.order, system, client, stage.waiting)
            stage.instruments.append(started)
            stage.journal.note("recording", system=system, client=client["name"])
        stage.watch = Watch(stage.order, stage.journal, stage.waiting, self._judged(system))
        stage.watch.take_baseline()

    def _judged(self, system: str) -> Instrument:
        return next(one for one in self.stage.instruments if one.system == system and one.judged)

    def _do_aimed(self, said: Json) -> None:
        system, fault = said["system"], said["fault"]
        self.aimed[system, fault] = self.stage.hands.aim(system, fault, said["arguments"])

    def _do_condition(self, said: Json) -> None:
        victims = self._victims(said)
        if said["system"] not in self.stage.before:  # a sick one is pictured too, to compare with
            self.stage.before[said["system"]] = self.stage.captured(said["system"])
        before_harm(self.stage, said["system"], said["fault"], victims)
        self._hold()
        injection = self.stage.hands.inject(said["system"], said["fault"], victims)
        self.strikes_at_us = max(self.strikes_at_us, injection.before_us + said["for_us"])

    def _do_disaster(self, said: Json) -> None:
        stage, victims = self.stage, self._victims(said)
        stage.waiting.pause(self.strikes_at_us)
        before_harm(stage, said["system"], said["fault"], victims)  # of the moment of the harm
        self._hold()
        stage.result.injected = True  # from the call on, also when it is cut off or not proved
        try:
            struck = stage.hands.inject(said["system"], said["fault"], victims)
        except Ended as ended:
            stage.result.injected = ended.code != "victim-changed"
            raise
        stage.struck = struck
        stage.journal.note("disaster", durable=True, t0=[struck.before_us, struck.after_us])
        stage.waiting.tell({"tell": "struck", "fault": said["fault"], "t0_us": struck.after_us})
        if said["hold_us"] is not None:
            ends_at_us = struck.after_us + said["hold_us"]
            if stage.watch:
                stage.watch.while_it_stands(struck, ends_at_us)
            stage.waiting.pause(ends_at_us)
            if stage.watch:
                stage.watch.ends_as_planned()
            stage.heal(said["fault"])

    def _do_recovery(self, said: Json) -> None:
        recover(self.stage, said)

    def _do_runbook(self, said: Json) -> None:
        carry_out(self.stage, said)

    def _victims(self, said: Json) -> list[Json]:
        kept = self.aimed.get((said["system"], said["fault"]))
        return kept or self.stage.hands.aim(said["system"], said["fault"], said["arguments"])

    def _hold(self) -> None:
        """From the first harm on, no fault may stand longer than the profile allows."""
        waiting = self.stage.waiting
        if not waiting.hold_until_us:
            waiting.hold_until_us = now_us() + round(self.stage.order.target["max_hold_s"] * 1e6)
