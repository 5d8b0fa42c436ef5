"""What a step may say: plain values that touch nothing, executed later by the keeper."""

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal, get_args

from firemarshal.drill import canonical

Json = dict[str, Any]
ObjectiveKind = Literal["rto", "rpo", "lost", "recovery"]
DURATIONS = ("for_us", "hold_us")
Keyword = Literal["given", "when", "then"]


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Base of all; `says` names the keywords under which it makes sense."""

    says: ClassVar[tuple[Keyword, ...]] = ()
    system: str = ""

    def __post_init__(self) -> None:
        """Refuse what could not stand in a drill's hash; ValueError, told at collection."""
        for name, value in vars(self).items():
            if name in DURATIONS and value is not None and not _is_count(value):
                raise ValueError(f"{name} is {value!r}, need whole microseconds of 0 or more")
        canonical(self.as_json())

    def as_json(self) -> Json:
        """The form that stands in a compiled drill."""
        return {"declares": type(self).__name__, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class Healthy(Declaration):
    """The steady state: proved by the system's own canary, before the fault and at the end."""

    says = ("given",)


@dataclass(frozen=True, kw_only=True)
class Load(Declaration):
    """Clients that write at the profile's steady rate; they are the instrument of the drill."""

    says = ("given",)


@dataclass(frozen=True, kw_only=True)
class Aimed(Declaration):
    """Choose the victims of a fault now and keep them, whatever happens until it is injected."""

    says = ("given",)
    fault: str
    arguments: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Condition(Declaration):
    """Harm that stands before the disaster: same verbs, undo and proof, but it starts no clock.

    `for_us`: how long it has stood when the disaster strikes; the keeper waits for that.
    """

    says = ("given",)
    fault: str
    arguments: Json = field(default_factory=dict)
    for_us: int = 0


@dataclass(frozen=True, kw_only=True)
class Disaster(Declaration):
    """The one fault of the drill; T0 is the moment of its injection.

    `hold_us` is a planned end: the keeper heals after that time, and the recovery is judged from
    there as part of the disaster. None means that it stands until the watch is over.
    """

    says = ("when",)
    fault: str
    arguments: Json = field(default_factory=dict)
    hold_us: int | None = None

    def __post_init__(self) -> None:
        """Refuse a fault that would be healed before anybody could see it."""
        if self.hold_us == 0:
            raise ValueError("hold_us is 0; a fault held for no time would prove nothing")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class Recovery(Declaration):
    """What people or their automation do after the disaster; alone in a When, it starts T0."""

    says = ("when",)
    recovery: str
    arguments: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Runbook(Declaration):
    """The team's own runbook, step by step; every step is held against its own deadline."""

    says = ("when",)
    runbook: str


@dataclass(frozen=True, kw_only=True)
class Objective(Declaration):
    """A promise to be judged: `rto` and `rpo` in seconds, `lost` in acknowledged writes.

    `recovery` is the time until every recovery of the drill was proved to have done its work.
    `limit` (microseconds, or a count) None means the clause's own; a number may be stricter than
    the clause, never looser.
    """

    says = ("then",)
    kind: ObjectiveKind
    limit: int | None = None

    def __post_init__(self) -> None:
        """Refuse a kind that nobody could judge, and a limit that is no whole number."""
        kinds = get_args(ObjectiveKind)
        if self.kind not in kinds:
            raise ValueError(f"kind is {self.kind!r}, need one of {', '.join(kinds)}")
        if self.limit is not None and not _is_count(self.limit):
            raise ValueError(f"limit is {self.limit!r}, need whole microseconds or writes")
        super().__post_init__()


DECLARATIONS: dict[str, type[Declaration]] = {
    kind.__name__: kind
    for kind in (Healthy, Load, Aimed, Condition, Disaster, Recovery, Runbook, Objective)
}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
