"""Where the database is and who we are there; a password that was replaced is read again, without a restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from psycopg import AsyncConnection

from firmtrail_server.db.connection_limits import conninfo

Connection = AsyncConnection[tuple[Any, ...]]

#: By a statement, and not at the start of the connection: poolers and proxies between refuse what is said there.
_SESSION = """
    select set_config('timezone', 'UTC', false),
           set_config('statement_timeout', '15000', false),
           set_config('idle_in_transaction_session_timeout', '30000', false)
"""


async def _nothing() -> None:
    """Look for no other address."""


class Address:
    """The URL of the database, which may change.

    `look` looks whether it has; whoever finds a new one sets `url`.
    """

    def __init__(self, url: str, look: Callable[[], Awaitable[None]] = _nothing) -> None:
        self.url = url
        self._look = look

    async def connect(self, connect: Callable[..., Awaitable[Connection]] = Connection.connect) -> Connection:
        """Connect by the driver's `connect`, and once more where that fails and a look finds another URL.

        Raises:
            psycopg.OperationalError: there is no connection to be had.
        """
        tried = self.url
        try:
            return await _connected(tried, connect)
        except psycopg.OperationalError:
            await self._look()
            if self.url == tried:
                raise
        return await _connected(self.url, connect)


async def _connected(url: str, connect: Callable[..., Awaitable[Connection]]) -> Connection:
    conn = await connect(conninfo(url), autocommit=True)
    try:
        await conn.execute(_SESSION)
    except BaseException:
        await conn.close()
        raise
    return conn
