"""Who drills the toy: one file in its folder, made so that only one maker can succeed."""

import os
from typing import Any

import orjson

from firemarshal.probes.null.toy import folder_of
from firemarshal.system import Configuration

FILE = "tombstone.json"


def claim(configuration: Configuration, told: str) -> dict[str, Any]:
    """Write who drills, unless somebody else does; `{drill, told}` of who stands there now."""
    path = folder_of(configuration) / FILE
    own = {"drill": configuration["drill"], "told": told}
    new = path.with_name(f"{FILE}.{configuration['drill']}")
    new.write_bytes(orjson.dumps(own))
    try:
        os.link(new, path)
    except FileExistsError:
        standing = claimed(configuration)
        if standing.get("drill") != configuration["drill"]:
            new.unlink()
            return standing
    new.replace(path)
    new.unlink(missing_ok=True)  # replacing a link by itself leaves both names
    return own


def claimed(configuration: Configuration) -> dict[str, Any]:
    """Who stands there, `{}` for nobody."""
    try:
        found: dict[str, Any] = orjson.loads((folder_of(configuration) / FILE).read_bytes())
    except FileNotFoundError:
        return {}
    return found


def release(configuration: Configuration) -> dict[str, Any]:
    """Remove this drill's file; safe when it never was there, and nobody else's is touched."""
    if claimed(configuration).get("drill") == configuration["drill"]:
        (folder_of(configuration) / FILE).unlink()
    return {"released": configuration["drill"]}
