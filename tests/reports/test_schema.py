"""summary.json is what its published schema says, for every verdict that a run can give."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from toy_project import ToyProject

from firemarshal import reports

SCHEMA: dict[str, Any] = orjson.loads(
    (Path(reports.__path__[0]) / "schema" / "summary.json").read_bytes()
)
TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}


def problems(value: Any, schema: dict[str, Any], at: str = "$") -> list[str]:
    """What a value breaks of the keywords that our schema uses; the full ones need a library."""
    if "$ref" in schema:
        return problems(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], at)
    if "anyOf" in schema:
        found = [problems(value, one, at) for one in schema["anyOf"]]
        return [] if [] in found else [f"{at}: fits none: {found}"]
    if "const" in schema or "enum" in schema:
        allowed = schema.get("enum", [schema.get("const")])
        return [] if value in allowed else [f"{at}: {value!r} is none of {allowed}"]
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(is_a(value, one) for one in names):
        return [f"{at}: {value!r} is no {names}"]
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return [f"{at}: {value!r} does not match {schema['pattern']}"]
    if isinstance(value, int) and value < schema.get("minimum", value):
        return [f"{at}: {value} is too small"]
    if isinstance(value, list):
        parts = enumerate(value)
        return [text for n, one in parts for text in problems(one, schema["items"], f"{at}[{n}]")]
    return of_object(value, schema, at) if isinstance(value, dict) else []


def of_object(value: dict[str, Any], schema: dict[str, Any], at: str) -> list[str]:
    known = schema["properties"]
    found = [f"{at}: {key} is missing" for key in schema["required"] if key not in value]
    if not schema["additionalProperties"]:
        found += [f"{at}: {key} is unknown" for key in value if key not in known]
    inner = [problems(value[key], known[key], f"{at}.{key}") for key in value if key in known]
    return found + [text for texts in inner for text in texts]


def is_a(value: Any, name: str) -> bool:
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def test_a_run_with_every_verdict_is_as_the_schema_says(
    every_verdict: ToyProject, interrupted: ToyProject
) -> None:
    both = [every_verdict.summary(), interrupted.summary()]
    assert [text for one in both for text in problems(one, SCHEMA)] == []
    verdicts = {drill["verdict"] for one in both for drill in one["drills"]}
    assert verdicts == set(SCHEMA["$defs"]["drill"]["properties"]["verdict"]["enum"])


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("schema",), "firemarshal/summary/2"),
        (("exit_code",), 7),
        (("drills", 0, "verdict"), "passed"),
        (("drills", 0, "as_expected"), 1),
        (("drills", 0, "objectives", 0, "upper"), 1.5),
        (("drills", 0, "objectives", 0, "lower"), -1),
        (("drills", 0, "sha256"), ""),
        (("drills", 2, "expected"), {"verdict": "PASSED"}),
        (("drills", 0, "surprise"), 1),
    ],
)
def test_what_is_not_allowed_is_refused(
    every_verdict: ToyProject, path: tuple[str | int, ...], wrong: object
) -> None:
    summary: Any = every_verdict.summary()
    place = summary
    for one in path[:-1]:
        place = place[one]
    place[path[-1]] = wrong
    assert problems(summary, SCHEMA)


def test_a_key_that_is_gone_is_told(every_verdict: ToyProject) -> None:
    summary = every_verdict.summary()
    del summary["drills"][0]["target_after"]
    assert problems(summary, SCHEMA) == ["$.drills[0]: target_after is missing"]
