"""Compare the ledger with the survivors: checksums of blocks on the server, rows where they differ.

Memory stays flat, and content is compared, not only keys: a row that came back older is lost too.
"""

from itertools import groupby
from pathlib import Path
from typing import Any

from firemarshal.ledger import Ledger
from firemarshal.probes.postgres.blocks import BITS, SUMS, Expected, Findings, Sums
from firemarshal.probes.postgres.connect import Rejected, Session
from firemarshal.probes.postgres.marker import NO_SCHEMA, NO_TABLE, named
from firemarshal.probes.postgres.members import primary_of
from firemarshal.system import CannotTell, Configuration

WITHIN_S = 100.0
NOTHING = Sums(0, 0, 0)


def reconcile(configuration: Configuration, ledger: str) -> dict[str, Any]:
    """Judge every attempt of a ledger by the present primary. Raises CannotTell."""
    primary, table = primary_of(configuration), named(configuration, "attempts")
    try:
        opened = Ledger(Path(ledger))
    except (OSError, ValueError) as error:
        raise CannotTell(f"the ledger cannot be read: {error}") from error
    with opened, Session(configuration, primary, WITHIN_S) as session:
        # One snapshot for all questions, and rows from the heap: an index can outlive its rows.
        session.rows("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        session.rows("SET LOCAL enable_indexonlyscan = off")
        blocks = _blocks(session, table)
        rows = sum(sums.rows for sums in blocks.values())
        findings = _compare(session, table, blocks, opened)
    return {
        "rows": rows,
        "acknowledged": findings.acknowledged,
        "lost": findings.lost,
        "late_lost": findings.late_lost,
        "in_doubt_present": findings.in_doubt_present,
        "unexpected": findings.unexpected,
        "by": f"block checksums on {primary['name']}",
    }


def _blocks(session: Session, table: str) -> dict[int, Sums]:
    """The server's sums; none when the table is gone, as after an empty standby's promotion."""
    try:
        found = session.rows(SUMS.format(table=table))
    except Rejected as error:
        if error.state in (NO_TABLE, NO_SCHEMA):
            return {}
        raise
    numbers = ([int(value or 0) for value in row] for row in found)
    return {block: Sums(count, total, mixed) for block, count, total, mixed in numbers}


def _compare(session: Session, table: str, blocks: dict[int, Sums], ledger: Ledger) -> Findings:
    findings = Findings()
    for block, attempts in groupby(ledger.attempts(), lambda attempt: attempt.key >> BITS):
        expected = Expected()
        for attempt in attempts:
            expected.add(attempt)
        findings.acknowledged += len(expected.acknowledged)
        stored = blocks.pop(block, NOTHING)
        if expected.doubtful or stored != expected.sums:
            findings.compare(expected, _rows(session, table, block) if stored.rows else [])
    for block in sorted(blocks):
        findings.compare(Expected(), _rows(session, table, block))
    return findings


def _rows(session: Session, table: str, block: int) -> list[tuple[int, int]]:
    query = f"SELECT k, w FROM {table} WHERE k >= $1::bigint AND k < $2::bigint ORDER BY k"
    found = session.rows(query, block << BITS, (block + 1) << BITS)
    return [(int(key or 0), int(value or 0)) for key, value in found]
