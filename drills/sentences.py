"""How a sentence holds a duration: written as people write it, understood as microseconds."""

from pytest_bdd import parsers

from firemarshal import duration


def _duration(text: str) -> int:
    return duration.microseconds(text)


_duration.pattern = r"\d[\w. ]*?"  # type: ignore[attr-defined]  # how `parse` finds the end


def sentence(text: str) -> parsers.parse:
    """A step's text in which `{name:Duration}` stands for "5 minutes", "90 s" and the like."""
    return parsers.parse(text, extra_types={"Duration": _duration})
