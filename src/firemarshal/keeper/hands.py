"""Faults in the keeper's hands: aim, undo on disk, inject, prove, heal, prove again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firemarshal.clock import boot_id, now_us, utc_text
from firemarshal.journal import Journal
from firemarshal.keeper.order import Ended, Order
from firemarshal.keeper.stragglers import forget_verb, note_verb
from firemarshal.keeper.verbs import Answer, Call, run_verb
from firemarshal.keeper.waiting import Waiting
from firemarshal.state import SystemState, Undo

AIM_S, INJECT_S, PROOF_S, HEAL_S = 15.0, 30.0, 15.0, 30.0
PROOF_WITHIN_US = 3_000_000
MOST_BACKOFF_US = 500_000
Json = dict[str, Any]


@dataclass(frozen=True)
class Injection:
    """When a fault struck: the call lies within [before_us, after_us]."""

    before_us: int
    after_us: int


class Hands:
    """Every call of a verb goes through here, is journalled, and has a deadline."""

    def __init__(self, journal: Journal, waiting: Waiting, folder: Path, state: Path) -> None:
        self.journal, self.waiting = journal, waiting
        self.folder, self.state = folder, state

    def call(
        self, call: Call, deadline_s: float, *, heed: bool = True, quiet: bool = False
    ) -> Answer:
        """Run a verb or probe and note what came of it; `quiet` notes only what went wrong."""
        where = call.configuration
        noted = self.state / where["target"] / where["system"]["name"]
        answer = run_verb(
            call,
            deadline_s,
            self.waiting,
            self.folder / "verbs.log",
            heed=heed,
            forked=lambda pid: note_verb(noted, pid),
        )
        forget_verb(noted)
        if not quiet or not answer.done:
            self.journal.note(
                "called",
                activity=call.name,
                status=answer.status,
                error=answer.error,
                output=integers(answer.value),
                before_us=answer.before_us,
                after_us=answer.after_us,
            )
        return answer


class FaultHands(Hands):
    """The faults of one drill, in the order in which they were injected."""

    def __init__(self, order: Order, journal: Journal, waiting: Waiting) -> None:
        super().__init__(journal, waiting, order.path, Path(order.state))
        self.order = order
        self.armed: list[Undo] = []
        self.on_armed: Callable[[Undo], None] = lambda undo: None

    def aim(self, system: str, fault: str, arguments: Json) -> list[Json]:
        """The victims; raises Ended when there is none, or nobody could tell."""
        module = self.order.drill_json["faults"][fault]["module"]
        victims = self.look(system, fault, module, arguments)
        self.journal.note("aimed", fault=fault, system=system, victims=integers(victims))
        return victims

    def look(self, system: str, name: str, module: str, arguments: Json) -> list[Json]:
        """As `aim`, for a recovery too, and without a word that something will be harmed."""
        configuration = self.order.configuration(system)
        answer = self.call(Call(f"aim {name}", module, "aim", arguments, configuration), AIM_S)
        if not answer.done:
            raise Ended("INVALID", "aimed-at-nothing", f"{name} could not aim: {answer.error}")
        if not answer.value:
            raise Ended("INVALID", "aimed-at-nothing", f"{name} found nothing to harm on {system}")
        found: list[Json] = answer.value
        return found

    def inject(self, system: str, fault: str, victims: list[Json]) -> Injection:
        """Undo to disk, harm, proof; raises Ended INVALID when the harm was not done."""
        facts = self.order.drill_json["faults"][fault]
        undo = self.arm(system, fault, victims, facts["module"], facts["lasts"])
        for line in undo.shell:
            self.waiting.tell({"tell": "undo", "shell": line})
        answer = self.call(self._call(system, fault, "inject", {"victims": victims}), INJECT_S)
        before_us, after_us = _struck(answer)
        self.journal.note(
            "injected" if answer.done else "not injected",
            durable=True,
            fault=fault,
            system=system,
            before_us=before_us,
            after_us=after_us,
            why=answer.error,
        )
        if not answer.done:
            code = "victim-changed" if answer.error_type == "VictimChanged" else "not-injected"
            raise Ended("INVALID", code, f"{fault}: {answer.error}")
        self._prove(system, fault, victims)
        return Injection(before_us, after_us)

    def arm(
        self, system: str, name: str, victims: list[Json], module: str, lasts: str, **more: str
    ) -> Undo:
        """Put on disk how to take back what is about to be done; `more` as `arm` below."""
        what = {"fault": name, "module": module, "lasts": lasts, "victims": victims, **more}
        undo = arm(self.order, system, len(self.armed), what)
        self.armed.append(undo)
        self.journal.note(
            "undo written", durable=True, fault=name, file=undo.path.name, shell=undo.shell
        )
        self.on_armed(undo)
        return undo

    def _prove(self, system: str, fault: str, victims: list[Json]) -> None:
        until_us = now_us() + PROOF_WITHIN_US
        call = self._call(system, fault, "bit", {"victims": victims})
        while True:
            answer = self.call(call, PROOF_S, quiet=True)
            if answer.done and answer.value.get("bit") is True:
                self.journal.note("bit", fault=fault, seen=str(answer.value.get("seen", "")))
                return
            if now_us() >= until_us:
                seen = answer.error or (answer.value or {}).get("seen", "no proof")
                self.journal.note("did not bite", fault=fault, seen=str(seen))
                raise Ended("INVALID", "did-not-bite", f"{fault} left no proof: {seen}")
            self.waiting.pause(now_us() + 100_000)

    def _call(self, system: str, fault: str, verb: str, arguments: Json) -> Call:
        module = self.order.drill_json["faults"][fault]["module"]
        return Call(f"{verb} {fault}", module, verb, arguments, self.order.configuration(system))


def arm(order: Order, system: str, number: int, what: Json) -> Undo:
    """Write the drill's undo of that number; `what` holds fault, module, lasts and victims.

    `verb` in it names the one that takes it back where it is not `heal`: a recovery's `remove`.
    """
    state = SystemState(Path(order.state), order.target["name"], system)
    return state.write_undo(
        number,
        {
            "schema": "firemarshal/undo/1",
            "run": order.run,
            "drill": order.drill_json["name"],
            "drill_id": order.short_id,
            "folder": order.folder,
            "system": system,
            "configuration": order.configuration(system),
            "at_us": now_us(),
            "boot_id": boot_id(),
            "utc": utc_text(),
            **what,
        },
    )


class Healer(Hands):
    """Takes back what stands on a system, whoever injected it: this drill or a dead one."""

    def __init__(self, journal: Journal, waiting: Waiting, folder: Path, state: Path) -> None:
        super().__init__(journal, waiting, folder, state)
        self.healed: set[str] = set()
        self.acted = False  # whether a healing changed anything, or found something to wait for

    def heal_all(
        self,
        state: SystemState,
        within_s: float,
        chosen: Callable[[Undo], bool] = lambda undo: True,
    ) -> list[str]:
        """Heal everything pending that is chosen, newest first, again and again with backoff.

        Returns what still stands: [] means that every healing was proved. One part that will
        not heal never keeps the others from being healed.
        """
        until_us = now_us() + round(within_s * 1e6)
        backoff_us = 200_000
        while True:
            pending = [undo for undo in state.readable() if chosen(undo)]
            standing = [line for undo in pending for line in self._heal(state, undo)]
            self.acted = self.acted or bool(standing)
            if not standing or now_us() >= until_us:
                return standing
            self.waiting.tell({"tell": "healing", "standing": standing})
            self.waiting.pause(min(now_us() + backoff_us, until_us), heed=False)
            backoff_us = min(backoff_us * 2, MOST_BACKOFF_US)

    def _heal(self, state: SystemState, undo: Undo) -> list[str]:
        value = undo.value
        arguments = {"victims": value["victims"]}
        verb = value.get("verb", "heal")
        answer = self._verb(value, verb, arguments)
        if not answer.done:
            return [f"{value['fault']}: {verb}: {answer.error}"]
        if not isinstance(answer.value, list):
            return [
                f"{value['fault']}: {verb} answered {answer.value!r:.60}, not what still stands"
            ]
        standing = [f"{value['fault']}: {one}" for one in answer.value]
        if not standing and value["lasts"] == "until healed":
            standing = self._still_bites(value)
        if not standing:
            state.done(undo)
            self.acted = self.acted or value["lasts"] != "moment"
            self.healed.add(undo.path.name)
            self.journal.note("healed", durable=True, fault=value["fault"], system=value["system"])
        return standing

    def _still_bites(self, value: Json) -> list[str]:
        """Asked for each victim alone: of several, one that was forgotten would not show."""
        standing = []
        for victim in value["victims"]:
            answer = self._verb(value, "bit", {"victims": [victim]})
            said = answer.value if answer.done and isinstance(answer.value, dict) else {}
            if said.get("bit") is not False:
                seen = answer.error or said.get("seen") or f"bit answered {answer.value!r:.60}"
                standing.append(f"{value['fault']}: {victim['id']} still bites: {seen}")
        return standing

    def _verb(self, value: Json, verb: str, arguments: Json) -> Answer:
        call = Call(
            f"{verb} {value['fault']}", value["module"], verb, arguments, value["configuration"]
        )
        return self.call(call, HEAL_S, heed=False)


def _struck(answer: Answer) -> tuple[int, int]:
    """When the harm was done: as inject says, where that lies within the call, else the call."""
    said = answer.value if answer.done and isinstance(answer.value, dict) else {}
    earliest, latest = said.get("earliest_us"), said.get("latest_us")
    if not (isinstance(earliest, int) and isinstance(latest, int)):
        return answer.before_us, answer.after_us
    if answer.before_us <= earliest <= latest <= answer.after_us:
        return earliest, latest
    return answer.before_us, answer.after_us


def until_done(
    waiting: Waiting, step: Callable[[], bool], within_s: float, every_us: int = 250_000
) -> bool:
    """Repeat a step until it says True or the time is over; heeds no stop, for the way home."""
    until_us = now_us() + round(within_s * 1e6)
    while not step():
        if now_us() >= until_us:
            return False
        waiting.pause(now_us() + every_us, heed=False)
    return True


def integers(value: Any) -> Any:
    """The value without floats, which evidence may not hold: they become text."""
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, dict):
        return {str(key): integers(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [integers(one) for one in value]
    if isinstance(value, int) and abs(value) >= 1 << 53:
        return str(value)
    return value
