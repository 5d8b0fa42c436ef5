"""Does a recovery keep its word? The checks that every recovery must pass, a stranger's too.

`firemarshal conformance NAME --target lab`, or `firemarshal.prove.prove` in a test, find it and a
system for it; `check` is what they call.

Everything is done for real, by name, with JSON arguments, in a child that is killed at its
deadline; so whatever removes is another process that knows the victims' JSON and nothing else.
"""

import random
import tempfile
from importlib import import_module
from pathlib import Path

from firemarshal.catalogue import RecoveryFile
from firemarshal.clock import now_us
from firemarshal.conformance import refused, renamed
from firemarshal.fault import Recovery
from firemarshal.keeper.recoveries import LOOK_EVERY_US
from firemarshal.trial import Finding, Json, Trial, Unusable, waiting_for_nobody

__all__ = ["Finding", "check"]


def check(
    recovery: RecoveryFile,
    configuration: Json,
    arguments: Json | None = None,
    *,
    kills: int = 2,
    seed: int | None = None,
    within_s: float = 60,
) -> list[Finding]:
    """All that the recovery does wrong on this system, [] for nothing.

    `arguments` are for `aim`; `kills` says how often `perform` is killed, at moments of `seed`.
    """
    number = random.SystemRandom().randrange(10**6) if seed is None else seed
    chance = random.Random(number)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as folder, waiting_for_nobody() as waiting:
        given = {"of": configuration, "aim": arguments or {}}
        trial = Trial(recovery, given, within_s, waiting, Path(folder) / "verbs.log")
        try:
            for one in (facts, aims, removes_first, works_on_no_other):
                trial.begin(one.__name__.replace("_", " "))
                one(trial)
            trial.begin("performs")
            took_s = performs(trial)
            for moment_s in [chance.uniform(0, took_s) for _ in range(kills)]:
                trial.begin(f"killed in perform after {moment_s:.3f} s, seed {number}")
                killed(trial, max(moment_s, 0.01))
            trial.begin("at the end")
        except Unusable as problem:
            trial.expect(False, str(problem))
            _tidied(trial)
        except BaseException:  # Ctrl-C too: nobody else would remove it
            _tidied(trial)
            raise
        return trial.findings


def _tidied(trial: Trial) -> None:
    if trial.victims:
        removed(trial, trial.victims)


def facts(trial: Trial) -> None:
    """The facts read from the file are those of the module, and the system is of their kind."""
    read, kind = trial.fault.facts, trial.configuration["system"]["kind"]
    made = import_module(trial.fault.module).RECOVERY
    trial.expect(made == read, f"RECOVERY is {made} once imported, its file says {read}")
    trial.expect(kind in read.kinds, f"the system is of kind {kind}, it is for {read.kinds}")


def aims(trial: Trial) -> None:
    """What it works on is whole and named once; aiming changes nothing, nor does looking."""
    before, victims = trial.look("capture"), trial.aim()
    for one in victims:
        texts = [key for key in ("id", "name") if not isinstance(one.get(key), str) or not one[key]]
        tables = [key for key in ("before", "found") if not isinstance(one.get(key), dict)]
        trial.expect(not (texts or tables), f"what it works on has no {texts} {tables}: {one}")
    trial.expect(len({one.get("id") for one in victims}) == len(victims), "two share an id")
    proof(trial, victims)
    after = trial.look("capture")
    trial.expect(before == after, f"aim or done changed the system from {before} to {after}")


def removes_first(trial: Trial) -> None:
    """Removing what was never made does nothing."""
    before, victims = trial.look("capture"), trial.aim()
    removed(trial, victims)
    after = trial.look("capture")
    trial.expect(before == after, f"remove changed the system from {before} to {after}")


def works_on_no_other(trial: Trial) -> None:
    """What was aimed at on another system is refused."""
    victims, where = trial.aim(), renamed(trial.configuration)
    answer = trial.verb("perform", {"victims": victims}, _longest_s(trial), where)
    trial.expect(refused(answer), f"another system's was not refused with NotDone: {answer}")
    removed(trial, victims)


def performs(trial: Trial) -> float:
    """It does its work in its own time, proves it, and leaves nothing once removed, twice.

    Returns how long the work took, seconds.
    """
    victims, limit_s = trial.aim(), _longest_s(trial)
    answer = trial.verb("perform", {"victims": victims}, limit_s)
    if not answer.done:
        raise Unusable(f"perform {answer.status}: {answer.error}")
    seen = trial.until(lambda: proof(trial, victims), limit_s)
    trial.expect(not seen, f"after perform: {seen}")
    removed(trial, victims)
    removed(trial, victims)
    return max(0.05, (answer.after_us - answer.before_us) / 1e6)


def _longest_s(trial: Trial) -> float:
    facts = trial.fault.facts
    assert isinstance(facts, Recovery)
    return facts.takes_up_to_s


def proof(trial: Trial, victims: list[Json]) -> str:
    """Why it is not done, "" when it is; a proof without words is a finding."""
    answer = trial.verb("done", {"victims": victims})
    value = answer.value if isinstance(answer.value, dict) else {}
    seen = value.get("seen")
    proper = isinstance(value.get("done"), bool) and isinstance(seen, str) and seen
    shown = answer.error or repr(answer.value)
    trial.expect(proper, f'done must give {{"done": bool, "seen": text}}: {shown}')
    return "" if value.get("done") is True else str(seen or shown)


def removed(trial: Trial, victims: list[Json]) -> None:
    """Remove as the keeper does, again and again, until nothing is left."""

    def left() -> str:
        answer = trial.verb("remove", {"victims": victims})
        done = answer.done and answer.value == []
        return "" if done else f"remove left {answer.value!r} {answer.error}"

    why = trial.until(left, trial.within_s)
    trial.expect(not why, why)


def killed(trial: Trial, moment_s: float) -> None:
    """Killed in the middle of its work, what it began can be removed by another process."""
    victims = trial.aim()
    begun_us = now_us()
    trial.verb("perform", {"victims": victims}, moment_s)
    trial.waiting.pause(max(begun_us, now_us()) + LOOK_EVERY_US, heed=False)
    removed(trial, victims)
