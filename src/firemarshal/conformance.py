"""Does a fault keep its word? The checks that every fault must pass, a stranger's too.

`firemarshal conformance NAME --target lab`, or `firemarshal.prove.prove` in a test, find the fault
and a system for it; `check` is what they call. Everything is done for real, about ten times: the
system must be one that may be broken. Every verb
runs as in a drill, by name, with JSON arguments, in a child that is killed at its deadline; so
whatever heals is another process that knows the victims' JSON and nothing else.
"""

import builtins
import random
import subprocess
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from firemarshal.catalogue import FaultFile
from firemarshal.keeper.verbs import Answer
from firemarshal.trial import Finding, Json, Trial, Unusable, waiting_for_nobody

__all__ = ["Finding", "check"]
BARE = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


def check(
    fault: FaultFile,
    configuration: Json,
    arguments: Json | None = None,
    *,
    kills: int = 4,
    seed: int | None = None,
    within_s: float = 60,
) -> list[Finding]:
    """All that the fault does wrong on this system, [] for nothing; heals whatever it finds.

    `arguments` are for `aim`; `kills` says how often inject and heal are killed, at moments of
    `seed`, which those findings name; `within_s` is how long healing and the system's own recovery
    may take each time.
    """
    number = random.SystemRandom().randrange(10**6) if seed is None else seed
    with tempfile.TemporaryDirectory() as folder, waiting_for_nobody() as waiting:
        given = {"of": configuration, "aim": arguments or {}}
        trial = Trial(fault, given, within_s, waiting, Path(folder) / "verbs.log")
        try:
            _tried(trial, number, kills)
        except Unusable as problem:
            trial.expect(False, str(problem))
            _heal_what_was_aimed_at(trial)
        except BaseException:  # Ctrl-C too: nobody else would heal
            _heal_what_was_aimed_at(trial)
            raise
        return trial.findings


def _heal_what_was_aimed_at(trial: Trial) -> None:
    if trial.victims:
        trial.heal(trial.victims)


def _tried(trial: Trial, seed: int, kills: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    for one in (facts, aims, heals_first, hits_no_other, bites, undone_by_hand):
        trial.begin(one.__name__.replace("_", " "))
        one(trial)
    for verb in ("inject", "heal") * kills:
        moment_s = chance.uniform(0, 1.2) * trial.inject_s
        trial.begin(f"killed in {verb} after {moment_s:.3f} s, seed {seed}")
        killed(trial, verb, moment_s)
    trial.begin("at the end")


def facts(trial: Trial) -> None:
    """The facts read from the file are those of the module, and the system is of their kind."""
    read, kind = trial.fault.facts, trial.configuration["system"]["kind"]
    made = import_module(trial.fault.module).FAULT
    trial.expect(made == read, f"FAULT is {made} once imported, its file says {read}")
    trial.expect(kind in read.kinds, f"the system is of kind {kind}, the fault is for {read.kinds}")


def aims(trial: Trial) -> None:
    """Victims are whole and named once; aiming twice gives the same and changes nothing."""
    before, victims = trial.look("capture"), trial.aim()
    for one in victims:
        texts = [key for key in ("id", "name") if not isinstance(one.get(key), str) or not one[key]]
        tables = [key for key in ("before", "found") if not isinstance(one.get(key), dict)]
        undo = [] if one.get("undo") or not trial.lasts else ["undo"]
        wrong = [*texts, *tables, *undo]
        trial.expect(not wrong, f"a victim has no proper {', '.join(wrong)}: {one}")
    trial.expect(len({one.get("id") for one in victims}) == len(victims), "two victims share an id")
    again = trial.aim()
    trial.expect(again == victims, f"aim gave {victims}, and then {again}")
    after = trial.look("capture")
    trial.expect(before == after, f"aim changed the system from {before} to {after}")


def heals_first(trial: Trial) -> None:
    """Nothing bites before inject, and healing what never was does nothing."""
    before, victims = trial.look("capture"), trial.aim()
    seen = trial.unless(False, victims)
    trial.expect(not seen, f"before inject: {seen}")
    trial.heal(victims)
    after = trial.look("capture")
    trial.expect(before == after, f"heal changed the system from {before} to {after}")


def hits_no_other(trial: Trial) -> None:
    """Victims that are not what they were, and those of another system, are refused."""
    victims = trial.aim()
    wrong = [("another system's victim", victims, renamed(trial.configuration))]
    for key, value in victims[0]["found"].items():
        if type(value) is int:  # a pid, a start time, a counter: the next one is somebody else
            other = [{**one, "found": {**one["found"], key: value + 1}} for one in victims]
            wrong.append((f"a victim with another {key}", other, trial.configuration))
    for what, aimed, where in wrong:
        answer = trial.verb("inject", {"victims": aimed}, where=where)
        trial.expect(refused(answer), f"{what} was not refused with NotDone: {answer}")
        seen = trial.unless(False, victims)
        trial.expect(not seen, f"{what} was harmed: {seen}")
    trial.heal(victims)


def refused(answer: Answer) -> bool:
    """Raised on purpose: a KeyError is an accident."""
    return bool(answer.error_type) and not hasattr(builtins, answer.error_type)


def renamed(configuration: Json) -> Json:
    """A system that differs by its names alone, and so has none of the victims."""
    system = configuration["system"]
    tables = [one for key in system if key != "hosts" for one in _tables(system[key])]
    names = {one["name"] for one in (system, *tables) if "name" in one}

    def other(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: other(one) for key, one in value.items()}
        if isinstance(value, list):
            return [other(one) for one in value]
        return f"other-{value}" if isinstance(value, str) and value in names else value

    return {**configuration, "system": other(system)}


def _tables(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def bites(trial: Trial) -> None:
    """Inject harms, twice is safe or refused, heal takes it away, and can be repeated."""
    before, victims = trial.look("capture"), trial.aim()
    trial.inject(victims)
    if trial.lasts:
        found = trial.verb("aim", trial.arguments).value or []
        same = {one["id"] for one in found} & {one["id"] for one in victims}
        trial.expect(not same, f"aim finds again what it stands on already: {sorted(same)}")
    twice = trial.verb("inject", {"victims": victims})
    trial.expect(
        twice.done or refused(twice), f"a second inject was neither safe nor refused: {twice}"
    )
    trial.heal(victims)
    trial.heal(victims)
    trial.begin(trial.now)
    after = trial.look("capture")
    clean = before == after or trial.fault.facts.leaves != "nothing"
    trial.expect(clean, f"it leaves nothing, it says, but made {after} of {before}")


def undone_by_hand(trial: Trial) -> None:
    """The shell line of every victim undoes the fault where there is no firemarshal."""
    if not trial.lasts:
        return
    victims = trial.aim()
    trial.inject(victims)
    said = []
    for one in victims:
        words = ["bash", "-c", one.get("undo", "")]
        said.append(subprocess.run(words, env=BARE, capture_output=True, text=True, timeout=30))
    seen = trial.until(lambda: trial.unless(False, victims), trial.within_s)
    trial.expect(not seen, f"the undo lines did not undo it: {seen}; they said {said}")
    trial.heal(victims)


def killed(trial: Trial, verb: str, moment_s: float) -> None:
    """Nothing stands after healing, wherever inject or heal was cut off."""
    victims = trial.aim()
    if verb == "heal":
        trial.inject(victims)
    trial.verb(verb, {"victims": victims}, moment_s)
    trial.heal(victims)
