"""Which clause is served by which drill, from plans and features alone: a promise, no proof.

That a clause is proved needs unexpired runs on a real target; what runs found stands in reports.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from firemarshal.collecting import compile_file
from firemarshal.compile import House
from firemarshal.drill import Drill
from firemarshal.plan import Clause


@dataclass(frozen=True)
class Served:
    """One clause and its drills; `open` are objectives of it that none of them judges."""

    clause: Clause
    drills: tuple[Drill, ...]
    open: tuple[str, ...]

    @property
    def word(self) -> str:
        """How far it is served: not drilled, partly, or whole."""
        if not self.drills:
            return "no drill"
        return "partly" if self.open else "whole"


def coverage(house: House, features: Iterable[Path]) -> list[Served]:
    """Every clause of every plan, in the plans' order; controls serve none.

    Raises BadInput for a feature that cannot be compiled.
    """
    drills = [
        one.drill
        for path in features
        for _, rows in compile_file(house, path)
        for one in rows
        if one.drill.control is None
    ]
    return [_served(clause, drills) for plan in house.plans for clause in plan.clauses]


def _served(clause: Clause, drills: list[Drill]) -> Served:
    own = tuple(one for one in drills if clause.id in one.clauses)
    judged = {p.kind for drill in own for p in drill.promises if p.clause == clause.id}
    wanted = [f"{one.kind} {one.limit}" for one in clause.objectives if one.kind not in judged]
    return Served(clause, own, tuple(wanted))


def lines(found: list[Served]) -> list[str]:
    """For a terminal: one line a clause, its drills below it, and the sum."""
    told = []
    for one in found:
        clause = one.clause
        promised = (
            ", ".join(f"{each.kind} {each.limit}" for each in clause.objectives) or "no number"
        )
        told.append(f"{clause.id:8}{one.word:9}{clause.every:33}{promised}")
        told += [f"        {drill.file}:{drill.line}  {drill.name}" for drill in one.drills]
        if one.drills and one.open:
            told.append(f"        not judged by any drill: {', '.join(one.open)}")
    whole = sum(one.word == "whole" for one in found)
    partly = sum(one.word == "partly" for one in found)
    return [*told, f"{len(found)} clauses: {whole} whole, {partly} partly"]
