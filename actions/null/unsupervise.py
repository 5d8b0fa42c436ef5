"""The toy's supervisor is told to look away: what dies stays dead."""

from typing import Any

from firemarshal.actions.null import files
from firemarshal.fault import Fault

FAULT = Fault(kinds=("null",), does="a dead process is not started again", lasts="until healed")
FILE = "unsupervised"
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The members that are supervised."""
    return files.aim(configuration["system"], FILE)


def inject(victims: list[Json], configuration: Json) -> None:
    """Make the file that the supervisor looks for."""
    files.inject(victims, configuration["system"])


def bit(victims: list[Json], configuration: Json) -> Json:
    """The file stands."""
    return files.bit(victims, configuration["system"])


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """Remove it; the supervisor starts what is dead."""
    return files.heal(victims, configuration["system"])
