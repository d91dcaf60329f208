"""A connection of the pool, on which the same statements run again and again."""

from __future__ import annotations

from typing import Any, LiteralString, cast

from psycopg import AsyncConnection, AsyncCursor
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus
from psycopg.rows import AsyncRowFactory

from firmtrail_server.db.address import Address, Connection

#: a kept cursor keeps the rows of its last statement
_FEW_ROWS = 100


class PooledConnection(AsyncConnection[tuple[Any, ...]]):
    """Connects by an address, and keeps its cursors.

    A new cursor finds out anew how values are written and read, a third of the instructions of a short statement.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle_cursors: dict[AsyncRowFactory[Any], AsyncCursor[Any]] = {}
        self.cursor_factory = cast("type[AsyncCursor[Any]]", self._lend)

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

    def keep(self, cursor: AsyncCursor[Any]) -> None:
        """Lend a cursor to who asks next for rows of its kind."""
        self._idle_cursors[cursor.row_factory] = cursor

    def _lend(self, _: Connection, *, row_factory: AsyncRowFactory[Any]) -> AsyncCursor[Any]:
        return self._idle_cursors.pop(row_factory, None) or _KeptCursor(self, row_factory=row_factory)

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
