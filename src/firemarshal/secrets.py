"""What must never be kept or shown: secret values of the environment, wherever they turn up."""

import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

NAMES = re.compile(
    r"(passwords?|passwd|pass|passphrase|secrets?|tokens?|credentials?|(api|access|private|secret)_?key)"
    r"(_?\d+|_base)?$",
    re.IGNORECASE,
)
IN_ADDRESS = re.compile(r"://[^:/@\s]*:([^@\s]+)@")
SHORTEST = 6  # a shorter one would hide words that everybody uses
SHORTEST_NAMED = 3  # one that somebody named is hidden even so
HIDDEN = "(not shown)"


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The secret values: of names that end in a word for one, and passwords within addresses.

    Longest first, so that one which holds another is hidden whole.
    """
    found = {value for name, value in environment.items() if NAMES.search(name)}
    found |= {one for value in environment.values() for one in IN_ADDRESS.findall(value)}
    return tuple(sorted((one for one in found if len(one) >= SHORTEST), key=len, reverse=True))


def without_secrets(text: str) -> str:
    """The text with every secret value of this process's environment hidden.

    What a command reads from elsewhere and prints itself cannot be known here.
    """
    for value in _own():
        text = text.replace(value, HIDDEN)
    return text


def hidden(value: Any) -> Any:
    """The same for every text in a JSON value, keys left as they are."""
    if not _own():
        return value
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {key: hidden(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(one) for one in value]
    return value


def hide_also(names: Iterable[str]) -> None:
    """Hide the values of these variables too, from here on; for what somebody called a secret."""
    _MORE.update(os.environ.get(name, "") for name in names)
    _own.cache_clear()


_MORE: set[str] = set()


@cache
def _own() -> tuple[str, ...]:
    """Read once: the environment of a process that keeps evidence does not change."""
    more = {one for one in _MORE if len(one) >= SHORTEST_NAMED}
    return tuple(sorted({*secrets_of(os.environ), *more}, key=len, reverse=True))
