"""What tables of profiles, plans and runbooks share."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Table(BaseModel):
    """A table of a profile or plan: unknown keys are refused, because a typo must not be lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Http(Table):
    """One request; `expect` () means any answer of success, 2xx."""

    url: str = Field(pattern=r"^https?://|^\{")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    body: dict[str, Any] | list[Any] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    expect: tuple[int, ...] = ()
