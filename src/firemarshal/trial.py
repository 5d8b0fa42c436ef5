"""A fault or recovery on trial: its verbs as a drill calls them, and what was found."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firemarshal.catalogue import FaultFile, RecoveryFile
from firemarshal.clock import now_us
from firemarshal.keeper.hands import AIM_S, HEAL_S, INJECT_S, PROOF_S, PROOF_WITHIN_US
from firemarshal.keeper.verbs import Answer, Call, run_verb
from firemarshal.keeper.waiting import Waiting
from firemarshal.kinds import module_of

Json = dict[str, Any]
DEADLINE_S = {"aim": AIM_S, "inject": INJECT_S, "bit": PROOF_S, "heal": HEAL_S}
DEADLINE_S |= {"done": PROOF_S, "remove": HEAL_S}
LOOK_S = 20.0


@dataclass(frozen=True)
class Finding:
    """A promise of the contract that the fault broke: which check, and what was seen."""

    check: str
    text: str


class Unusable(Exception):
    """The trial cannot go on; its text becomes the last finding."""


@contextmanager
def waiting_for_nobody() -> Iterator[Waiting]:
    """What a keeper waits with, without a runner that could stop it."""
    ours, theirs = socket.socketpair()
    with theirs:
        waiting = Waiting(ours, os.getpid())
        # What nobody reads would fill the socket after some minutes, and then wait for ever.
        waiting.on_beat = lambda: _emptied(theirs)
        yield waiting
        waiting.on_beat = lambda: None  # another beat would find its end closed
    waiting.pause(now_us() + 1000, heed=False)  # it hears that we hung up, and closes its own


def _emptied(channel: socket.socket) -> None:
    with suppress(BlockingIOError):
        channel.recv(1 << 20, socket.MSG_DONTWAIT)


class Trial:
    """One fault or recovery on one system, and what was found."""

    def __init__(
        self,
        fault: FaultFile | RecoveryFile,
        given: Json,
        within_s: float,
        waiting: Waiting,
        log: Path,
    ) -> None:
        self.fault, self.configuration, self.arguments = fault, given["of"], given["aim"]
        self.within_s, self.waiting, self.log = within_s, waiting, log
        self.lasts = getattr(fault.facts, "lasts", "") == "until healed"
        self.findings: list[Finding] = []
        self.victims: list[Json] = []
        self.now, self.inject_s = "", 0.1

    def begin(self, name: str) -> None:
        """Wait until the system is healthy; when it does not become so, the check before did it."""

        def unhealthy() -> str:
            seen = self.look("healthy", timeout_s=5.0) or {"healthy": False, "why": ["no answer"]}
            return "" if seen["healthy"] else "; ".join(seen["why"])

        if why := self.until(unhealthy, self.within_s):
            raise Unusable(f"the system did not become healthy within {self.within_s:g} s: {why}")
        self.now = name

    def until(self, why_not: Callable[[], str], within_s: float) -> str:
        """Ask until the answer is "", or the time is over: then the last answer."""
        end_us = now_us() + round(within_s * 1e6)
        while (why := why_not()) and now_us() < end_us:
            self.waiting.pause(now_us() + 200_000, heed=False)
        return why

    def expect(self, true: object, text: str) -> None:
        """Note what is wrong unless it is true."""
        if not true:
            self.findings.append(Finding(self.now, text))

    def look(self, function: str, **words: Any) -> Any:
        """What the system's own module sees, None when it cannot tell."""
        module = module_of(self.configuration["system"])
        return self._call(Call(function, module, function, words, self.configuration), LOOK_S).value

    def verb(
        self, verb: str, words: Json, within_s: float = 0, where: Json | None = None
    ) -> Answer:
        """One verb of the fault or recovery."""
        call = Call(verb, self.fault.module, verb, words, where or self.configuration)
        return self._call(call, within_s or DEADLINE_S[verb])

    def _call(self, call: Call, deadline_s: float) -> Answer:
        return run_verb(
            call, deadline_s, self.waiting, self.log, heed=False, forked=lambda pid: None
        )

    def aim(self) -> list[Json]:
        """The victims; Unusable without any."""
        answer = self.verb("aim", self.arguments)
        if not answer.done or not answer.value:
            raise Unusable(f"aim found nothing to harm: {answer.error or answer.value}")
        self.victims = answer.value
        return self.victims

    def inject(self, victims: list[Json]) -> None:
        """Harm that must be done and proved."""
        answer = self.verb("inject", {"victims": victims})
        if not answer.done:
            raise Unusable(f"inject {answer.status}: {answer.error}")
        self.inject_s = max(0.05, (answer.after_us - answer.before_us) / 1e6)
        seen = self.until(lambda: self.unless(True, victims), PROOF_WITHIN_US / 1e6)
        self.expect(not seen, f"after inject: {seen}")

    def unless(self, wanted: bool, victims: list[Json]) -> str:
        """What the proof says, nothing when that is what is wanted."""
        answer = self.verb("bit", {"victims": victims})
        value = answer.value if isinstance(answer.value, dict) else {}
        seen = value.get("seen")
        if not isinstance(value.get("bit"), bool) or not isinstance(seen, str) or not seen:
            return f'bit must give {{"bit": bool, "seen": text}}: {answer.error or answer.value!r}'
        return "" if value["bit"] == wanted else f"bit says {value['bit']}: {seen}"

    def heal(self, victims: list[Json]) -> None:
        """Heal as the keeper does, again and again; a fault that lasts must not bite after it."""

        def standing() -> str:
            answer = self.verb("heal", {"victims": victims})
            done = answer.done and answer.value == []
            return "" if done else f"heal left {answer.value!r} {answer.error}"

        why = self.until(standing, self.within_s)
        why = why or (self.unless(False, victims) if self.lasts else "")
        self.expect(not why, why)
