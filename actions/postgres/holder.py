"""The process that holds a lock, places or a base backup until it is ended or its time is over.

python -m firemarshal.actions.postgres.holder TOKEN CONNINFO SECONDS lock TABLE
python -m firemarshal.actions.postgres.holder TOKEN CONNINFO SECONDS places COUNT
python -m firemarshal.actions.postgres.holder TOKEN CONNINFO SECONDS backup KILOBYTES_PER_S
"""

import sys
import time
from contextlib import ExitStack

from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

from firemarshal.actions.postgres import holding
from firemarshal.clock import now_us
from firemarshal.fault import NotDone

KNOCK_EVERY_S = 0.05


def _lock(conninfo: str, token: str, table: str, until_us: int) -> None:
    with holding.connected(conninfo, token) as connection, connection.transaction():
        connection.execute(f"set local lock_timeout = '{holding.ANSWER_WITHIN_S}s'")
        name = sql.Identifier(*table.split("."))
        connection.execute(sql.SQL("lock table {} in access exclusive mode").format(name))
        time.sleep(max(0, until_us - now_us()) / 1e6)


def _places(conninfo: str, token: str, count: str, until_us: int) -> None:
    with ExitStack() as held:
        taken = 0
        while now_us() < until_us:
            try:
                while taken < int(count):
                    held.enter_context(holding.connected(conninfo, token))
                    taken += 1
            except NotDone:
                pass  # full: knock again, for whoever leaves gives up a place
            time.sleep(KNOCK_EVERY_S)


def _backup(conninfo: str, token: str, rate: str, until_us: int) -> None:
    where = make_conninfo(conninfo, replication="true", application_name=token)
    own = pq.PGconn.connect(where.encode())
    order = f"BASE_BACKUP (LABEL '{token}', CHECKPOINT 'fast', WAIT false, MAX_RATE {int(rate)})"
    own.send_query(order.encode())
    while now_us() < until_us and (result := own.get_result()) is not None:
        while result.status == pq.ExecStatus.COPY_OUT and now_us() < until_us:
            if own.get_copy_data(0)[0] < 0:
                break


if __name__ == "__main__":
    own, where, seconds, how, of = sys.argv[1:]
    {"lock": _lock, "places": _places, "backup": _backup}[how](
        where, own, of, now_us() + round(float(seconds) * 1_000_000)
    )
