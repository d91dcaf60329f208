"""Projects."""

from __future__ import annotations

import datetime as dt

from firmtrail_contract import Project
from firmtrail_server.db import Connection, one, rows


async def insert(conn: Connection, name: str, now: dt.datetime) -> Project:
    async with conn.cursor(row_factory=rows(Project)) as cur:
        await cur.execute(
            """
            insert into projects (name, created_at)
            values (%(name)s, %(now)s)
            returning id, name, created_at
            """,
            {"name": name, "now": now},
        )
        return await one(cur)
