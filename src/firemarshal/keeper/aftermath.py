"""After the disaster: watch, heal, count, judge; and the way home, reached from every ending."""

from typing import Any

from firemarshal.clock import now_us, seconds_text
from firemarshal.keeper.claiming import release
from firemarshal.keeper.hands import integers, until_done
from firemarshal.keeper.judging import judged
from firemarshal.keeper.stage import Stage

RECONCILE_S = 120.0
Json = dict[str, Any]


def close_watch(stage: Stage) -> None:
    """Watch until the system is back and calm, heal, and judge every promise at once."""
    if stage.result.promises or stage.watch is None or stage.struck is None:
        return
    watch, struck = stage.watch, stage.struck
    watch.until_recovered_and_calm(stage.drill, struck)
    watch.heal_begins()
    stage.healer.acted = False
    stage.heal()
    followed_at_once = _await_redundancy(stage)
    watch.stay_calm(struck, disturbed=stage.healer.acted or not followed_at_once)
    stage.end_instruments()
    reconciled = _reconcile(stage)
    stage.result.reconciled = reconciled is not None
    stage.result.phases = _phases(stage, struck.before_us)
    stage.result.promises = judged(
        stage.drill, stage.journal, watch, struck, reconciled, stage.result.recoveries
    )


def _await_redundancy(stage: Stage) -> bool:
    """Wait until the members follow again: before that nobody can count what was lost.

    Returns whether they did at the first look, so that nothing came back meanwhile.
    """
    looks = 0
    for system in stage.drill.systems:
        began_us, seen = now_us(), ""

        def followed(system: str = system) -> bool:
            nonlocal looks, seen
            looks += 1
            answer = stage.probe(system, "redundant", {"timeout_s": 3.0}, quiet=True)
            seen = answer.error or "; ".join((answer.value or {}).get("why", []))
            return answer.done and answer.value["redundant"] is True

        back = until_done(stage.waiting, followed, stage.order.target["heal_within_s"])
        stage.journal.note(
            "redundancy",
            system=system,
            back=back,
            after=seconds_text(now_us() - began_us),
            why="" if back else seen,
        )
    return looks == len(stage.drill.systems)


def _reconcile(stage: Stage) -> Json | None:
    assert stage.watch is not None
    instrument = stage.watch.instrument
    answer = stage.probe(
        instrument.system, "reconcile", {"ledger": str(instrument.path)}, deadline_s=RECONCILE_S
    )
    return answer.value if answer.done else None


def _phases(stage: Stage, since_us: int) -> list[Json]:
    """What the systems themselves say happened since the fault; unknown is left out."""
    found: list[Json] = []
    for system in stage.drill.systems:
        answer = stage.probe(system, "phases", {"since_us": since_us})
        found += [{"system": system, **one} for one in answer.value or []]
    stage.journal.note("phases", phases=integers(found))
    return found


def go_home(stage: Stage) -> None:
    """Heal first, then end the recorders, look after the systems, and tidy up."""
    stage.going_home = True
    stage.waiting.heed_nobody()
    stage.heal()
    stage.end_sentinel()
    stage.end_instruments()
    for system in stage.drill.systems:
        _look_after(stage, system)
    for system in stage.prepared:
        _forget(stage, system)
    if stage.journal.broken:
        stage.result.end("ABORTED", "defect", stage.journal.broken)


def _look_after(stage: Stage, system: str) -> None:
    """`target_after`: what the drill leaves, by the same canary that opened it."""
    if system not in stage.before and not stage.hands.armed:
        return
    seen: Json = {}

    def well() -> bool:
        answer = stage.probe(system, "healthy", {"timeout_s": 5.0}, quiet=True)
        seen.update(answer.value if answer.done else {"healthy": None, "why": [answer.error]})
        return seen["healthy"] is True

    until_done(stage.waiting, well, stage.order.target["heal_within_s"])
    after = stage.captured(system) if seen["healthy"] else None
    stage.journal.note("steady state", system=system, healthy=seen["healthy"], why=seen["why"])
    stage.result.after(system, stage.before.get(system), after, seen["healthy"], seen["why"])


def _forget(stage: Stage, system: str) -> None:
    """Remove what the drill made; the tombstone and the note of it stay while something stands."""
    answer = stage.probe(system, "forget")
    if not answer.done:
        stage.result.left.append(f"marker rows of {stage.order.short_id} on {system}")
    elif stage.stands_on(system):
        return
    elif why := release(stage, system):
        stage.result.left.append(f"the tombstone on {system}: {why}")
    else:
        stage.state(system).unmade(stage.order.short_id)
