"""Names of runs and of their folders, and whose a lab is that stands when a run begins."""

import os
import secrets
from pathlib import Path
from typing import Any

import orjson

from firemarshal.clock import utc_text
from firemarshal.keeper.stragglers import start_of

Json = dict[str, Any]


def me() -> Json:
    """This process, so that nobody takes a later one of the same pid for it."""
    return {"pid": os.getpid(), "start": start_of(os.getpid())}


def owned_by_the_dead(path: Path) -> bool:
    """Whether a run that was killed left the lab up; one that a person brought up has no owner."""
    if not path.exists():
        return False
    owner = orjson.loads(path.read_bytes())
    return bool(start_of(owner["pid"]) != owner["start"])


def run_id() -> str:
    """A name that sorts by time and differs between runs of one second."""
    stamp = utc_text()[:19].replace(":", "").replace("-", "")
    return f"{stamp}Z-{secrets.token_hex(2)}"


def slug(name: str) -> str:
    """A drill's name as the name of a folder."""
    letters = "".join(one if one.isalnum() else "-" for one in name.lower())
    return "-".join(part for part in letters.split("-") if part)[:60]
