"""What a profile demands before a fault, and what ends a drill at once: all of it fails closed."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, tzinfo
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from firemarshal.tables import Http, Table

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Question(Table):
    """Something that must say yes: a command that ends with 0, or a request that succeeds."""

    name: str = Field(min_length=3)
    run: tuple[str, ...] = ()
    http: Http | None = None
    within_s: float = Field(default=10, gt=0, le=600)

    @property
    def said(self) -> list[str]:
        """The ways in which it asks; exactly one is right."""
        return [name for name in ("run", "http", "file") if getattr(self, name, None)]

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if len(self.said) != 1:
            raise ValueError(f"{self.name!r} asks {', '.join(self.said) or 'nothing'}; need one")
        return self


class StopWhen(Question):
    """What is asked all the time while a fault may stand; a "no", or no answer, stops the drill.

    `file` stops by being there. `times` answers in a row are needed, one unless said otherwise.
    """

    file: str = ""
    every_s: float = Field(default=1, gt=0, le=600)
    times: int = Field(default=1, ge=1, le=100)


class Freeze(Table):
    """When no fault may be injected; everything that is said must hold, in the profile's zone.

    `first` and `last` are days, both included; `hours` like "22:00-06:00" may pass midnight and
    belongs to the day on which it begins.
    """

    why: str = Field(min_length=3)
    first: date | None = None
    last: date | None = None
    days: tuple[Day, ...] = ()
    hours: str = Field(default="", pattern=r"^$|^\d\d:\d\d-\d\d:\d\d$")

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if not (self.first or self.last or self.days or self.hours):
            raise ValueError("says no time: need first, last, days or hours")
        if self.first and self.last and self.last < self.first:
            raise ValueError(f"last ({self.last}) is before first ({self.first})")
        self.span()
        return self

    def span(self) -> tuple[time, time] | None:
        """The hours as times of day; ValueError for what no clock shows."""
        if not self.hours:
            return None
        first, _, last = self.hours.partition("-")
        begin = time.fromisoformat(first)
        end = time.min if last == "24:00" else time.fromisoformat(last)
        if begin == end:
            raise ValueError(f"hours {self.hours!r} are none: leave hours out for the whole day")
        return begin, end

    def holds(self, now: datetime) -> bool:
        """Whether it is that time; `now` in the profile's zone."""
        span, day = self.span(), now.date()
        if span:
            begin, end = span
            at = now.time()
            late = begin <= at if begin > end else begin <= at < end
            early = begin > end and at < end
            if not (late or early):
                return False
            day = date.fromordinal(day.toordinal() - 1) if early else day
        in_days = not self.days or DAYS[day.weekday()] in self.days
        begun = not self.first or self.first <= day
        return in_days and begun and (not self.last or day <= self.last)


class Guards(Table):
    """Limits on what may be harmed and when; None and 0 mean that this one is not set.

    `most_members` and `most_percent` bound how many members one fault may hit (percent of all of
    the system's), `least_healthy` how many others must answer. `tombstone` false allows a system
    on which nobody else could see that it is being drilled.
    """

    time_zone: str = "UTC"
    freeze: tuple[Freeze, ...] = ()
    most_members: int | None = Field(default=None, ge=1)
    most_percent: int | None = Field(default=None, ge=1, le=100)
    least_healthy: int = Field(default=0, ge=0)
    ask: tuple[Question, ...] = ()
    tombstone: bool = True

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            _zone(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone; need one like Asia/Seoul") from None
        return name

    def frozen(self, now: datetime) -> str:
        """Why no fault may be injected now, "" when it may; `now` with a zone."""
        here = now.astimezone(_zone(self.time_zone))
        held = next((one for one in self.freeze if one.holds(here)), None)
        return f"{held.why} (it is {here:%a %Y-%m-%d %H:%M} {self.time_zone})" if held else ""

    def too_many(self, harmed: Iterable[str], members: Iterable[str]) -> str:
        """Why so many may not be harmed, "" when they may; the percentage is rounded up."""
        hit, every = len(set(harmed)), len(set(members))
        percent = min(100, -(-100 * hit // every)) if every else 100
        told = f"{hit} of {every} members ({percent} %)"
        if self.most_members is not None and hit > self.most_members:
            return f"{told} would be harmed, the profile allows {self.most_members}"
        if self.most_percent is not None and percent > self.most_percent:
            return f"{told} would be harmed, the profile allows {self.most_percent} %"
        return ""


def _zone(name: str) -> tzinfo:
    """UTC is known even where no table of zones is installed."""
    return UTC if name == "UTC" else ZoneInfo(name)
