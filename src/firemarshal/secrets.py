"""What must never be kept: values of the environment whose names say that they are secret."""

import os
import re
from collections.abc import Mapping

SECRET = re.compile(r"pass(word|wd|phrase)?\b|secret|token|api_?key|private_?key|credential", re.I)
SHORTEST = 4
HIDDEN = "(not shown)"


def without_secrets(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text with every secret value of the environment hidden; one under 4 letters stays.

    What a command reads from elsewhere and prints itself cannot be known here.
    """
    values = [
        value
        for name, value in environment.items()
        if SECRET.search(name.replace("PGPASSFILE", "")) and len(value) >= SHORTEST
    ]
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text
