"""Blocks of keys: few numbers that say whether 4,096 rows are what the ledger has."""

from dataclasses import dataclass, field
from typing import NamedTuple

from firemarshal.ledger import Attempt, Outcome

BITS = 12
KEYS = 1 << BITS
OFFSET = KEYS - 1
SPREAD, FACTOR = 524287, 1540483477  # primes; every product stays below 2^63
# Sums weighed by the key's place and a hash of key and value together: rows that changed places
# keep the count, the sum, and the XOR of anything that does not mix the two by a product.
SUMS = f"""
SELECT k >> {BITS}, count(*), sum(w::bigint * ((k & {OFFSET}) + 1)),
  bit_xor((w::bigint # ((k & {OFFSET}) * {SPREAD})) * {FACTOR})
FROM {{table}} GROUP BY 1
"""
DOUBTFUL = (Outcome.UNKNOWN, Outcome.INTENT)


class Sums(NamedTuple):
    """Count, weighed sum and hash of a block, the same arithmetic as `SUMS` does on the server."""

    rows: int
    total: int
    mixed: int


@dataclass
class Expected:
    """What the ledger says about the keys of one block."""

    acknowledged: dict[int, int] = field(default_factory=dict)
    doubtful: dict[int, int] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)

    def add(self, attempt: Attempt) -> None:
        """Take note of one attempt; one that was never sent or was refused must not be stored."""
        if attempt.outcome is Outcome.OK:
            self.acknowledged[attempt.key] = attempt.value
        elif attempt.outcome in DOUBTFUL:
            self.doubtful[attempt.key] = attempt.value
        if attempt.late_us:
            self.late.add(attempt.key)

    @property
    def sums(self) -> Sums:
        """What the server must say when exactly the acknowledged rows are there."""
        total = mixed = 0
        for key, value in self.acknowledged.items():
            offset = key & OFFSET
            total += value * (offset + 1)
            mixed ^= (value ^ (offset * SPREAD)) * FACTOR
        return Sums(len(self.acknowledged), total, mixed)


@dataclass
class Findings:
    """What does not agree."""

    acknowledged: int = 0
    lost: list[int] = field(default_factory=list)
    late_lost: list[int] = field(default_factory=list)
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
        self.late_lost += sorted(expected.late - seen)
