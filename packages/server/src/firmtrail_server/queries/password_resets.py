"""Codes that set a new password. They belong to no project, so no statement here takes one."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail_server.db import Connection
from firmtrail_server.errors import CodeNotFound


async def insert(conn: Connection, user_id: uuid.UUID, secret_digest: bytes, expires_at: dt.datetime) -> None:
    await conn.execute(
        """
        insert into password_resets (user_id, secret_digest, expires_at)
        values (%(user_id)s, %(secret_digest)s, %(expires_at)s)
        """,
        {"user_id": user_id, "secret_digest": secret_digest, "expires_at": expires_at},
    )


async def get_user(conn: Connection, secret_digest: bytes, now: dt.datetime) -> uuid.UUID:
    """Look up whose password a code sets, or raise `CodeNotFound`; a disabled user has none."""
    cur = await conn.execute(
        """
        select password_resets.user_id
          from password_resets
          join users
            on users.id = password_resets.user_id
           and users.disabled_at is null
         where password_resets.secret_digest = %(secret_digest)s
           and password_resets.expires_at > %(now)s
        """,
        {"secret_digest": secret_digest, "now": now},
    )
    if (row := await cur.fetchone()) is None:
        raise CodeNotFound
    return row[0]


async def delete_of_user(conn: Connection, user_id: uuid.UUID) -> None:
    await conn.execute("delete from password_resets where user_id = %(user_id)s", {"user_id": user_id})


async def delete_expired(conn: Connection, now: dt.datetime) -> None:
    await conn.execute("delete from password_resets where expires_at <= %(now)s", {"now": now})
