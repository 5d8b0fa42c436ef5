"""Target profiles: which systems may be drilled, how they are reached, and within what limits."""

import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from firemarshal.bad_input import BadInput, unknown


class Table(BaseModel):
    """A table of a profile or plan: unknown keys are refused, because a typo must not be lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Host(Table):
    """How a member's machine is reached; `name` is what members say in `host`."""

    name: str
    via: Literal["local", "ssh"]
    address: str = ""
    port: int = Field(default=22, ge=1, le=65535)
    user: str = ""
    identity_file: str = ""
    known_hosts_file: str = ""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.via == "ssh" and not self.address:
            raise ValueError("a host with via = \"ssh\" needs an address")
        return self


class Recorder(Table):
    """How hard the recorder may knock: attempts a second, and when an answer comes too late."""

    rate_per_s: int = Field(default=100, ge=1, le=1000)
    attempt_deadline_s: float = Field(default=0.5, gt=0, le=30)
    host_timeout_s: float = Field(default=0.25, gt=0, le=30)
    connections: int = Field(default=60, ge=1, le=1000)
    baseline_s: float = Field(default=3, ge=0.5, le=600)
    window_s: float = Field(default=5, ge=0.5, le=600)


class System(Table):
    """What every system has, whatever its kind; kinds add their own keys in `settings.py`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")
    kind: str
    lab: str = ""
    options: dict[str, str | int | bool] = Field(default_factory=dict)
    identity: dict[str, str] = Field(default_factory=dict)
    hosts: tuple[Host, ...] = (Host(name="local", via="local"),)
    recorder: Recorder = Recorder()


class Target(Table):
    """One profile: `targets/<name>.toml`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")
    environment: Literal["lab", "staging", "production"]
    negative_controls: bool = False
    give_up_after_s: float = Field(default=600, gt=0)
    max_hold_s: float = Field(default=900, gt=0)
    heal_within_s: float = Field(default=60, gt=0)
    shorten: dict[str, float] = Field(default_factory=dict)
