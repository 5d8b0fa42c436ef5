"""The facts of a fault, readable without importing its module."""

from dataclasses import dataclass, field
from typing import Literal


class NotDone(Exception):
    """An inject, heal or perform that did not do what its name says; its text becomes the why."""


class VictimChanged(NotDone):
    """What was aimed at is no longer what it was; hitting its successor would prove nothing."""


@dataclass(frozen=True)
class Fault:
    """What catalogue, rehearsal, guards and permissions must know before anything is imported.

    `lasts` says whether the harm stands until it is healed or is over in a moment (a kill);
    `leaves` is what stays changed on a healthy system afterwards; `needs` are grants, rules,
    capabilities or an engine. Must be written with literals only: it is read by `ast`.
    """

    kinds: tuple[str, ...]
    does: str
    lasts: Literal["until healed", "moment"]
    leaves: str = "nothing"
    needs: tuple[str, ...] = field(default=())
    destructive: bool = False
