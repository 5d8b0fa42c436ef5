"""What survived, held against the ledger: the part of `reconcile` that no kind does differently."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firemarshal.ledger import Ledger, Outcome


def compared(ledger: str, stored: Mapping[int, int], by: str) -> dict[str, Any]:
    """The answer of a kind's `reconcile`, from every key and value that the system still holds.

    An attempt without an answer may have been stored or not: it is in doubt, never lost. `by` says
    who was asked, for people. For what fits into memory; a big store compares where it lies.
    """
    left = dict(stored)
    lost, late_lost, acknowledged, in_doubt = [], [], 0, 0
    with Ledger(Path(ledger)) as opened:
        for attempt in opened.attempts():
            whole = left.get(attempt.key) == attempt.value
            if attempt.outcome is Outcome.OK:
                acknowledged += 1
                left.pop(attempt.key, None)
                lost += [] if whole else [attempt.key]
            elif attempt.outcome in (Outcome.UNKNOWN, Outcome.INTENT) and whole:
                in_doubt += 1
                left.pop(attempt.key)
            elif attempt.late_us:
                late_lost.append(attempt.key)
    return {
        "rows": len(stored),
        "acknowledged": acknowledged,
        "in_doubt_present": in_doubt,
        "lost": lost,
        "late_lost": late_lost,
        "unexpected": sorted(left),
        "by": by,
    }
