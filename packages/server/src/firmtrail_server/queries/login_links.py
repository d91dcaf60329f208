"""Links that sign a person in once. Users belong to no project, so no statement here takes one."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail_server.db import Connection


async def insert(conn: Connection, secret_digest: bytes, user_id: uuid.UUID, expires_at: dt.datetime) -> None:
    await conn.execute(
        """
        insert into login_links (secret_digest, user_id, expires_at)
        values (%(secret_digest)s, %(user_id)s, %(expires_at)s)
        """,
        {"secret_digest": secret_digest, "user_id": user_id, "expires_at": expires_at},
    )


async def take(conn: Connection, secret_digest: bytes, now: dt.datetime) -> uuid.UUID | None:
    """Use a link up, and return whom it signs in; None: there is none, or not any more."""
    cur = await conn.execute(
        """
        delete from login_links
         where secret_digest = %(secret_digest)s
           and expires_at > %(now)s
        returning user_id
        """,
        {"secret_digest": secret_digest, "now": now},
    )
    row = await cur.fetchone()
    return row[0] if row else None


async def delete_expired(conn: Connection, now: dt.datetime) -> None:
    await conn.execute("delete from login_links where expires_at <= %(now)s", {"now": now})
