"""Transactions that collide."""

from __future__ import annotations

import asyncio

from firmtrail_server.db import Connection, Database


async def test_transactions_that_collide_are_repeated_until_each_has_counted(database_url: str) -> None:
    database = Database(database_url)
    await database.open()

    async def set_up(conn: Connection) -> None:
        await conn.execute("create table counter (value bigint not null)")
        await conn.execute("insert into counter values (0)")

    async def count(conn: Connection) -> None:
        row = await (await conn.execute("select value from counter")).fetchone()
        assert row is not None
        await conn.execute("update counter set value = %s", [row[0] + 1])

    async def total(conn: Connection) -> int:
        row = await (await conn.execute("select value from counter")).fetchone()
        assert row is not None
        return row[0]

    await database.retried(set_up)
    await asyncio.gather(*(database.retried(count) for _ in range(6)))

    assert await database.retried(total) == 6
    await database.close()
