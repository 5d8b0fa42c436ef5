"""What pydantic refuses, in a person's words: the key, what was found, and what to write."""

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from firemarshal.bad_input import did_you_mean

SECRET = re.compile(r"password|passwd|secret|token|://[^/@\s]*:[^/@\s]*@", re.IGNORECASE)


def mistakes_in(model: type[BaseModel], problem: ValidationError) -> Iterator[tuple[str, str]]:
    """Each mistake as (what, cure); texts that look like a secret are left out."""
    for error in problem.errors():
        yield _told(model, error)


def _told(model: type[BaseModel], error: Any) -> tuple[str, str]:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        keys = _fields(model, error["loc"][:-1])
        near = did_you_mean(str(error["loc"][-1]), keys)
        return f"key {key!r} is unknown", near or "remove it"
    if error["type"] == "missing":
        return f"key {key!r} is missing", "add it"
    said = error["msg"].removeprefix("Value error, ")
    what, _, cure = said.partition("; ") if error["type"] == "value_error" else (said, "", "")
    place = f"key {key!r}: " if key else ""
    return f"{place}{what}{_found(key, error['input'])}", cure


def _found(key: str, value: Any) -> str:
    if not isinstance(value, str | int | float) or SECRET.search(f"{key} {value}"):
        return ""
    return f" (found {value!r:.80})"


def _fields(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The keys that are known at a place inside the model."""
    for part in place:
        if isinstance(part, str):
            field = model.model_fields.get(part)
            inner = _model_in(field.annotation) if field else None
            if inner is None:
                return []
            model = inner
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (inner for one in get_args(annotation) if (inner := _model_in(one)))
    return next(found, None)
