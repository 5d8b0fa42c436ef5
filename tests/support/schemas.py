"""Whether a value is as our published schema says; the full keywords would need a library."""

import re
from pathlib import Path
from typing import Any

import orjson

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
