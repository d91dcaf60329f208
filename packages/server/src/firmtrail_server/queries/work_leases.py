"""Leases: which process does a work that one at a time does."""

from __future__ import annotations

import datetime as dt

from firmtrail_server.db import Connection


async def take_for_webhooks(conn: Connection, holder: str, length: dt.timedelta) -> bool:
    """Take or renew the lease on delivering webhooks; False: another process has it, or there are no webhooks.

    By the database's clock. A lease that ends far ahead is of a clock that was wrong: it must not stop the work.
    """
    cur = await conn.execute(
        """
        insert into work_leases (name, holder, expires_at)
        select 'webhooks', %(holder)s::text, now() + %(length)s::interval
         where exists (select 1 from webhooks where paused_at is null)
            on conflict (name) do update
           set holder = excluded.holder, expires_at = excluded.expires_at
         where work_leases.holder = excluded.holder
            or work_leases.expires_at <= now()
            or work_leases.expires_at > now() + 2 * %(length)s::interval
        """,
        {"holder": holder, "length": length},
    )
    return cur.rowcount == 1


async def give_back(conn: Connection, holder: str) -> None:
    """End a lease, so that the next process need not wait for its end."""
    await conn.execute(
        """
        delete from work_leases
         where name = 'webhooks'
           and holder = %(holder)s
        """,
        {"holder": holder},
    )
