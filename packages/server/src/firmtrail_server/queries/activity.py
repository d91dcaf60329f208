"""What others do in the database at the moment."""

from __future__ import annotations

import attrs

from firmtrail_server.db import Connection, rows


@attrs.frozen(kw_only=True)
class OpenTransaction:
    """A transaction that somebody has begun and not ended."""

    #: of the database's process: `select pg_terminate_backend(pid)` ends it
    pid: int
    #: such as `idle in transaction`
    state: str
    #: since it began
    seconds: float


async def find_oldest_transaction(conn: Connection) -> OpenTransaction | None:
    """Find the oldest open transaction of the database, this one left out; of other users only who may see them."""
    async with conn.cursor(row_factory=rows(OpenTransaction)) as cur:
        await cur.execute(
            """
            select pid, coalesce(state, '') as state,
                   extract(epoch from clock_timestamp() - xact_start)::float8 as seconds
              from pg_stat_activity
             where datname = current_database()
               and backend_type = 'client backend'
               and xact_start is not null
               and pid <> pg_backend_pid()
             order by xact_start nulls last
             limit 1
            """
        )
        return await cur.fetchone()
