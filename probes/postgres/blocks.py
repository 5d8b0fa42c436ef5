"""Blocks of keys: few numbers that say whether 4,096 rows are what the ledger has."""

from dataclasses import dataclass, field
from typing import NamedTuple

from firemarshal.ledger import Attempt, Outcome

BITS = 12
KEYS = 1 << BITS
OFFSET = KEYS - 1
W_FACTOR, K_FACTOR = 2147483647, 2654435761
SUMS = f"""
SELECT k >> {BITS}, count(*), sum(w),
  bit_xor((w::bigint * {W_FACTOR}) # ((k & {OFFSET}) * {K_FACTOR}))
FROM {{table}} GROUP BY 1
"""
DOUBTFUL = (Outcome.UNKNOWN, Outcome.INTENT)


class Sums(NamedTuple):
    """Count, sum and a hash of a block, the same arithmetic as `SUMS` does on the server."""

    rows: int
    total: int
    mixed: int


@dataclass
class Expected:
    """What the ledger says about the keys of one block."""

    acknowledged: dict[int, int] = field(default_factory=dict)
    doubtful: dict[int, int] = field(default_factory=dict)

    def add(self, attempt: Attempt) -> None:
        """Take note of one attempt; one that was never sent or was refused must not be stored."""
        if attempt.outcome is Outcome.OK:
            self.acknowledged[attempt.key] = attempt.value
        elif attempt.outcome in DOUBTFUL:
            self.doubtful[attempt.key] = attempt.value

    @property
    def sums(self) -> Sums:
        """What the server must say when exactly the acknowledged rows are there."""
        mixed = 0
        for key, value in self.acknowledged.items():
            mixed ^= (value * W_FACTOR) ^ ((key & OFFSET) * K_FACTOR)
        return Sums(len(self.acknowledged), sum(self.acknowledged.values()), mixed)


@dataclass
class Findings:
    """What does not agree."""

    acknowledged: int = 0
    lost: list[int] = field(default_factory=list)
    unexpected: list[int] = field(default_factory=list)
    in_doubt_present: int = 0

    def compare(self, expected: Expected, rows: list[tuple[int, int]]) -> None:
        """Compare the rows of one block, found by reading them, with what the ledger says."""
        seen: set[int] = set()
        for key, value in rows:
            right = expected.acknowledged.get(key, expected.doubtful.get(key)) == value
            if not right or key in seen:
                if key not in expected.acknowledged or key in seen:
                    self.unexpected.append(key)
                continue
            seen.add(key)
            if key in expected.doubtful:
                self.in_doubt_present += 1
        self.lost += [key for key in expected.acknowledged if key not in seen]
