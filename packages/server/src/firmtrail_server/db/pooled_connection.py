"""A connection of the pool, on which the same statements run again and again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, LiteralString, TypeVar, cast

from psycopg import AsyncConnection, AsyncCursor
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.rows import AsyncRowFactory
from psycopg.waiting import Ready, Wait

from firmtrail_server.db.address import Address, Connection
from firmtrail_server.db.socket_watch import SocketWatch

T = TypeVar("T")

#: a kept cursor keeps the rows of its last statement
_FEW_ROWS = 100
_CANCEL_SECONDS = 5


class PooledConnection(AsyncConnection[tuple[Any, ...]]):
    """Connects by an address, keeps its cursors, and watches its socket for as long as it lives.

    A new cursor finds out anew how values are written and read, a third of the instructions of a short statement. The
    driver lets the event loop watch the socket anew for every statement, beside a timer.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle_cursors: dict[AsyncRowFactory[Any], AsyncCursor[Any]] = {}
        self.cursor_factory = cast("type[AsyncCursor[Any]]", self._lend)
        self._watch = SocketWatch(self.pgconn.socket)

    @classmethod
    async def connect(cls, conninfo: str = "", *, address: Address, **_: Any) -> Connection:  # pyright: ignore[reportIncompatibleMethodOverride]  # noqa: ARG003
        return await address.connect(super().connect)

    async def begin(self, statement: LiteralString) -> None:
        """Begin a transaction, without the cost of a cursor.

        Raises:
            psycopg.Error: as the driver does.
        """
        async with self.lock:
            await self.wait(self._begun(statement))

    async def close(self) -> None:
        self._watch.end()
        await super().close()

    async def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:  # noqa: ASYNC109
        """Run what the driver has to do, and wait for the socket where the driver would.

        Raises:
            psycopg.Error: as the driver does.
        """
        try:
            awaited = next(gen)
            while awaited == Wait.R and timeout is None:
                await self._watch.readable()
                awaited = gen.send(Ready.R)
        except StopIteration as done:
            return done.value
        except asyncio.CancelledError:
            await self._cancel(_rest(gen, Wait.R))
            raise
        except BaseException:  # libpq may have closed the socket
            self._watch.end()
            raise
        self._watch.end()  # there is more to send than the socket takes at once
        return await super().wait(_rest(gen, awaited), interval, timeout)

    def keep(self, cursor: AsyncCursor[Any]) -> None:
        """Lend a cursor to who asks next for rows of its kind."""
        self._idle_cursors[cursor.row_factory] = cursor

    def _lend(self, _: Connection, *, row_factory: AsyncRowFactory[Any]) -> AsyncCursor[Any]:
        return self._idle_cursors.pop(row_factory, None) or _KeptCursor(self, row_factory=row_factory)

    async def _cancel(self, rest: PQGen[Any]) -> None:
        """Cancel the statement in the database; where that fails, the connection is of no use any more."""
        self._watch.end()
        with suppress(Exception):
            await self.cancel_safe(timeout=_CANCEL_SECONDS)
            await super().wait(rest, timeout=_CANCEL_SECONDS)
        if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
            self.pgconn.finish()

    def _begun(self, statement: LiteralString) -> PQGen[None]:
        self.pgconn.send_query(statement.encode())
        for result in (yield from execute(self.pgconn)):
            if result.status != ExecStatus.COMMAND_OK:
                raise error_from_result(result)


class _KeptCursor(AsyncCursor[Any]):
    """A cursor that is not closed at the end of its block, unless it holds many rows."""

    async def close(self) -> None:
        if self.rowcount > _FEW_ROWS:
            await super().close()
        else:
            cast("PooledConnection", self.connection).keep(self)


def _rest(gen: PQGen[T], awaited: Wait) -> PQGen[T]:
    """Go on with what waits for the socket."""
    try:
        while True:
            awaited = gen.send((yield awaited))
    except StopIteration as done:
        return done.value
