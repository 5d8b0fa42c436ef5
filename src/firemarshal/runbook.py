"""Runbooks as data: the team's own steps, each with an owner and a deadline of its own."""

import hashlib
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from firemarshal import duration
from firemarshal.bad_input import BadInput, did_you_mean
from firemarshal.tables import Http, Table
from firemarshal.target import read_toml, validated

PLACE = re.compile(r"\{([A-Za-z][\w-]*)\.(\w+)\}")
Json = dict[str, Any]


class RunbookStep(Table):
    """One thing to do: exactly one of `ask` (a person), `run` (a command) and `http`.

    `on` is the member on whose host the command runs; "" is the machine of the keeper.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")
    owner: str = ""
    deadline: str
    ask: str = ""
    run: tuple[str, ...] = ()
    on: str = ""
    http: Http | None = None

    @field_validator("deadline")
    @classmethod
    def _duration(cls, deadline: str) -> str:
        if duration.microseconds(deadline) <= 0:
            raise ValueError(f"{deadline!r} leaves no time for the step")
        return deadline

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        said = [name for name in ("ask", "run", "http") if getattr(self, name)]
        if len(said) != 1:
            raise ValueError(f"says {', '.join(said) or 'nothing'}; need one of ask, run and http")
        if self.on and not self.run:
            raise ValueError("`on` names a member's host, and only `run` happens on one")
        return self

    @property
    def kind(self) -> str:
        """Who acts: human, command or http."""
        return "human" if self.ask else "command" if self.run else "http"

    @property
    def text(self) -> str:
        """The step as a person reads it."""
        if self.http:
            return f"{self.http.method} {self.http.url}"
        return self.ask or shlex.join(self.run)


class RunbookFile(Table):
    """One runbook: `plans/runbooks/*.toml`; `owner` is the owner of steps that name none."""

    name: str = Field(min_length=3)
    about: str = ""
    owner: str = ""
    steps: tuple[RunbookStep, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [one.id for one in self.steps]
        if twice := sorted({one for one in names if names.count(one) > 1}):
            raise ValueError(f"step {twice[0]!r} stands twice; rename one")
        return self

    def as_json(self) -> Json:
        """The form that stands in a compiled drill."""
        return {
            "name": self.name,
            "about": self.about,
            "steps": [
                {
                    "id": one.id,
                    "kind": one.kind,
                    "owner": one.owner or self.owner,
                    "text": one.text,
                    "deadline_us": duration.microseconds(one.deadline),
                    "run": list(one.run),
                    "on": one.on,
                    "http": one.http.model_dump(mode="json") if one.http else None,
                }
                for one in self.steps
            ],
        }


class Runbooks:
    """Every runbook beside the plans, by its name; BadInput where two share one."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._found: dict[str, tuple[Path, RunbookFile]] = {}
        for path in (path for folder in folders for path in sorted(folder.glob("*.toml"))):
            found = validated(RunbookFile, read_toml(path), where=str(path))
            first = self._found.setdefault(found.name, (path, found))[0]
            if first != path:
                what = f"runbook {found.name!r} stands here and in {first}"
                raise BadInput(what, where=str(path), cure="rename one")

    def __iter__(self) -> Any:
        return (one for _, one in self._found.values())

    def find(self, name: str, where: str) -> Json:
        """The runbook as the drill holds it, with the hash of its file; BadInput for an unknown."""
        if name not in self._found:
            known = ", ".join(sorted(map(repr, self._found))) or "none; write plans/runbooks/*.toml"
            near = did_you_mean(name, self._found) or f"known: {known}"
            raise BadInput(f"there is no runbook {name!r}", where=where, cure=near)
        path, found = self._found[name]
        return {**found.as_json(), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def members_named(runbook: Json) -> set[str]:
    """The members whose addresses or hosts the steps want; the system itself is "system"."""
    found = {one["on"] for one in runbook["steps"] if one["on"]}
    for one in runbook["steps"]:
        texts = [*one["run"], *texts_of(one["http"] or {})]
        found |= {place[1] for text in texts for place in PLACE.finditer(text)}
    return found - {"system", "env"}


def texts_of(value: Any) -> list[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        return [value]
    listed = isinstance(value, list | tuple)
    inside = value.values() if isinstance(value, dict) else value if listed else ()
    return [text for one in inside for text in texts_of(one)]
