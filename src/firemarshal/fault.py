"""The facts of a fault or a recovery, readable without importing its module."""

from dataclasses import dataclass, field
from typing import Literal

A_DAY_S = 86_400


class NotDone(Exception):
    """An inject, heal or perform that did not do what its name says; its text becomes the why."""


class VictimChanged(NotDone):
    """What was aimed at is no longer what it was; hitting its successor would prove nothing."""


@dataclass(frozen=True)
class Fault:
    """What catalogue, rehearsal, guards and permissions must know before anything is imported.

    `lasts` says whether the harm stands until it is healed or is over in a moment (a kill);
    `leaves` is what stays changed on a healthy system afterwards; `needs` are grants, rules,
    capabilities or an engine. `shows_within_s` says how long clients may notice nothing, so that
    an early calm ends no watch; `unnoticed` that they may notice nothing at all: after any other
    fault an outage that nobody saw is no recovery. Literals only: it is read by `ast`.
    """

    kinds: tuple[str, ...]
    does: str
    lasts: Literal["until healed", "moment"]
    leaves: str = "nothing"
    needs: tuple[str, ...] = field(default=())
    destructive: bool = False
    shows_within_s: float = 0
    unnoticed: bool = False

    def __post_init__(self) -> None:
        """Refuse a time that no watch could wait for; ValueError, told with the fault's file."""
        if not 0 <= self.shows_within_s < A_DAY_S:
            raise ValueError(
                f"shows_within_s is {self.shows_within_s!r}, need seconds, under a day"
            )


@dataclass(frozen=True)
class Recovery:
    """What catalogue, rehearsal and permissions must know of what people do after a disaster.

    `takes_up_to_s` is its deadline: a recovery that is not proved by then is one that failed.
    `makes` is what it leaves behind until `remove`, `leaves` what stays changed for good.
    """

    kinds: tuple[str, ...]
    does: str
    takes_up_to_s: float = 60
    makes: str = "nothing"
    leaves: str = "nothing"
    needs: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse a deadline that would end everything or nothing; ValueError."""
        if not 0 < self.takes_up_to_s <= A_DAY_S:
            raise ValueError(f"takes_up_to_s is {self.takes_up_to_s!r}, need seconds, up to a day")
