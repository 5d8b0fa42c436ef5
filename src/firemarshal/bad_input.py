"""Mistakes of the user's: said with place and cure, exit code 4, nothing touched, no traceback."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class BadInput(Exception):
    """One mistake in a feature, plan, profile or command line.

    `where` is `file:line`, or a file and key; `what` says what was tried and seen; `cure` what to
    type instead.
    """

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        self.what, self.where, self.cure = what, where, cure
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """All of it in one paragraph, the place first so that an editor can jump there."""
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}" + (f"; {self.cure}" if self.cure else "")


class Mistakes:
    """Collects what independent checks refuse, so that a person hears all of it at once."""

    def __init__(self) -> None:
        self.found: list[BadInput] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Keep a BadInput raised inside and go on behind the block."""
        try:
            yield
        except BadInput as problem:
            self.found.append(problem)

    def note(self, what: str, *, where: str, cure: str = "") -> None:
        """Keep a mistake without raising it."""
        self.found.append(BadInput(what, where=where, cure=cure))

    @property
    def together(self) -> BadInput:
        """All that was found as one, a line each and each said once."""
        lines = (line for one in self.found for line in one.message.split("\n"))
        return BadInput("\n".join(dict.fromkeys(lines)))

    def tell(self) -> None:
        """Raise what was found; does nothing when nothing was."""
        if self.found:
            raise self.together


def did_you_mean(word: str, known: Iterable[str], most: int = 1) -> str:
    """ "did you mean ...?" with the nearest known words, or "" when nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=most, cutoff=0.6)
    return f"did you mean {' or '.join(repr(text) for text in near)}?" if near else ""
