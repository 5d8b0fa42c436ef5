"""How a sentence holds a duration: written as people write it, understood as microseconds."""

from parse import with_pattern
from pytest_bdd import parsers

from firemarshal import duration


@with_pattern(r"\d[\w. ]*?")
def _duration(text: str) -> int:
    return duration.microseconds(text)


def sentence(text: str) -> parsers.parse:
    """A step's text in which `{name:Duration}` stands for "5 minutes", "90 s" and the like."""
    return parsers.parse(text, extra_types={"Duration": _duration})
