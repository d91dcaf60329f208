"""What stands between us and the database: nothing, or a pooler or proxy, which keeps a session together or does not.

A pooler such as PgBouncer answers with a process id of its own when a connection begins; the one that the database
names is another. One that gives each transaction another connection shows it: what one session has set, another one
sees, or the same one sees no longer.
"""

from __future__ import annotations

import uuid
from enum import StrEnum

import psycopg
from psycopg import AsyncConnection
from psycopg.crdb import CrdbConnection

from firmtrail_server.db.address import Connection
from firmtrail_server.db.connection_limits import conninfo


class Between(StrEnum):
    """What a session of the database goes through."""

    NOTHING = "nothing"
    #: a pooler or a proxy that keeps a session together, as PgBouncer does with pool_mode = session
    SESSIONS = "sessions"
    #: one that gives each transaction a connection that others have used
    TRANSACTIONS = "transactions"


class TransactionPooling(Exception):
    """The database is reached through a pooler that the server cannot work with."""

    def __init__(self) -> None:
        super().__init__(
            "FIRMTRAIL_DATABASE_URL leads to a pooler that gives each transaction another connection, such as PgBouncer"
            " with pool_mode = transaction; statements that were prepared, and timeouts, would be lost or another's."
            " Set pool_mode = session for this database, or connect to it directly: the server has a pool of its own."
        )


async def refuse_transaction_pooling(database_url: str) -> None:
    """Raise `TransactionPooling`, or what `find_between` raises."""
    if await find_between(database_url) is Between.TRANSACTIONS:
        raise TransactionPooling


async def find_between(database_url: str) -> Between:
    """Find out what stands between.

    Raises:
        psycopg.OperationalError: there is no connection to be had.
    """
    async with await _connect(database_url) as first:
        if not await _is_pooled(first):
            return Between.NOTHING
        mark = uuid.uuid4().hex
        await first.execute("select set_config('firmtrail.session', %(mark)s, false)", {"mark": mark})
        async with await _connect(database_url) as second:
            is_shared = await _sees(second, mark) or not await _sees(first, mark)
    return Between.TRANSACTIONS if is_shared else Between.SESSIONS


async def _is_pooled(conn: Connection) -> bool:
    """CockroachDB has no processes, and tells the same made-up number in both places or in none."""
    if CrdbConnection.is_crdb(conn):
        return False
    found = await (await conn.execute("select pg_backend_pid()")).fetchone()
    return found != (conn.info.backend_pid,)


async def _sees(conn: Connection, mark: str) -> bool:
    """Say whether a session has the mark, in a transaction that stays open: nobody else gets its connection meanwhile.

    A pooler that gives each statement another connection refuses transactions, and so shows itself.
    """
    try:
        await conn.execute("begin")
        found = await conn.execute("select current_setting('firmtrail.session', true) = %(mark)s", {"mark": mark})
        return await found.fetchone() == (True,)
    except psycopg.errors.ProtocolViolation:
        return True


async def _connect(database_url: str) -> Connection:
    return await AsyncConnection.connect(conninfo(database_url), autocommit=True)
