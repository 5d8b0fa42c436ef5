"""What the keeper is told: one compiled drill, the whole systems it names, and where to write."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from firemarshal import kinds
from firemarshal.drill import Drill, from_json

Json = dict[str, Any]


class Ended(Exception):
    """The drill cannot go on: the verdict it has reached, its stable code, and why."""

    def __init__(self, verdict: str, code: str, why: str) -> None:
        self.verdict, self.code, self.why = verdict, code, why
        super().__init__(why)


@dataclass(frozen=True)
class Order:
    """One drill's order; `target` is the profile without systems, `systems` are complete.

    `summary` is the module that rebuilds a run's summary, for when the runner is gone; `rehearsed`
    is what the newest rehearsal of this drill found, None without one.
    """

    run: str
    number: int
    folder: str
    state: str
    drill_json: Json
    target: Json
    systems: dict[str, Json]
    runner_pid: int
    about: Json
    summary: str
    rehearsed: Json | None = None

    @property
    def drill(self) -> Drill:
        """The compiled drill."""
        return from_json(self.drill_json)

    @property
    def path(self) -> Path:
        """The drill's folder in the run."""
        return Path(self.folder)

    @property
    def rootdir(self) -> Path:
        """The project's root, where the team's own scripts are run."""
        return Path(self.state).parent.parent

    @property
    def short_id(self) -> str:
        """Names everything this drill makes on the target; differs between runs."""
        digits = "".join(one for one in self.run if one.isalnum())[-12:].lower()
        return f"{self.drill_json['id']}{digits}{self.number}"

    def configuration(self, system: str) -> Json:
        """What every verb and probe is given besides its own arguments."""
        return {
            "target": self.target["name"],
            "drill": self.short_id,
            "system": self.systems[system],
        }

    def module_of(self, system: str) -> str:
        """The module that knows systems of this kind."""
        return kinds.module_of(self.systems[system])

    def as_json(self) -> Json:
        """For the way to the keeper."""
        return asdict(self)
