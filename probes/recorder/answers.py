"""What PostgreSQL and libpq say, in the words of the ledger."""

from psycopg import pq

from firemarshal.ledger import Outcome, Refusal
from firemarshal.probes.recorder.client import Reply

READ_ONLY = b"25006"
NO_STATEMENT = b"26000"  # a pooler in between gave the session to somebody else
WORDS = (
    ("too many", Refusal.TOO_MANY),
    ("remaining connection slots", Refusal.TOO_MANY),
    ("translate host name", Refusal.NO_ADDRESS),
    ("FATAL", Refusal.SERVER_ERROR),
    ("refused", Refusal.REFUSED),
    ("unreachable", Refusal.REFUSED),
    ("No route", Refusal.REFUSED),
    ("closed", Refusal.CLOSED),
    ("reset", Refusal.CLOSED),
    ("no connection to the server", Refusal.CLOSED),
)


def reply(result: "pq.abc.PGresult") -> Reply:
    """OK, or FAILED: an answer with an ERROR says that nothing was stored."""
    if result.status == pq.ExecStatus.COMMAND_OK:
        return Reply(Outcome.OK)
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    why = Refusal.READ_ONLY if state == READ_ONLY else Refusal.SERVER_ERROR
    usable = state not in (READ_ONLY, NO_STATEMENT)
    return Reply(Outcome.FAILED, why, usable, text_of(result))


def text_of(result: "pq.abc.PGresult") -> str:
    """What the server said."""
    return result.get_error_message().strip()


def refusal(text: str) -> Refusal:
    """Read libpq's words: it keeps no code for a connection that failed."""
    for words, why in WORDS:
        if words in text:
            return why
    return Refusal.SERVER_ERROR
