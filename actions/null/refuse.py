"""The toy answers every request with a refusal."""

from typing import Any

from firemarshal.actions.null import files
from firemarshal.fault import Fault

FAULT = Fault(
    kinds=("null",),
    does="every request is answered 'no' and nothing is stored",
    lasts="until healed",
)
FILE = "fault.refuse"
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """The members on which it does not stand already."""
    return files.aim(configuration["system"], FILE)


def inject(victims: list[Json], configuration: Json) -> None:
    """Make the file that is this fault."""
    files.inject(victims, configuration["system"])


def bit(victims: list[Json], configuration: Json) -> Json:
    """The file stands."""
    return files.bit(victims, configuration["system"])


def heal(victims: list[Json], configuration: Json) -> list[str]:
    """Remove it."""
    return files.heal(victims, configuration["system"])
