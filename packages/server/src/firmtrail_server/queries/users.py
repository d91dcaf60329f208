"""Users. They belong to no project, so no statement here takes one."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract import User
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.errors import UserNotFound


@attrs.frozen(kw_only=True)
class NewUser:
    """A user to store."""

    email: str
    name: str
    password_hash: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Login:
    """What a password is checked against, and what access tokens of the user must say."""

    id: uuid.UUID
    password_hash: bytes = attrs.field(repr=False)
    token_epoch: int


async def insert(conn: Connection, new: NewUser, now: dt.datetime) -> User | None:
    """Store a user, unless the address has one already."""
    async with conn.cursor(row_factory=rows(User)) as cur:
        await cur.execute(
            """
            insert into users (email, name, password_hash, created_at)
            values (%(email)s, %(name)s, %(password_hash)s, %(now)s)
                on conflict (email_key) do nothing
            returning id, email, name, created_at
            """,
            {"now": now, **attrs.asdict(new)},
        )
        return await cur.fetchone()


async def get(conn: Connection, user_id: uuid.UUID) -> User:
    """Look up a user, or raise `UserNotFound`."""
    async with conn.cursor(row_factory=rows(User)) as cur:
        await cur.execute(
            """
            select id, email, name, created_at
              from users
             where id = %(user_id)s
            """,
            {"user_id": user_id},
        )
        if (user := await cur.fetchone()) is None:
            raise UserNotFound
        return user


async def find_by_email(conn: Connection, email: str) -> User | None:
    """Look up by the address, in whichever case it is written; a disabled user too."""
    async with conn.cursor(row_factory=rows(User)) as cur:
        await cur.execute(
            """
            select id, email, name, created_at
              from users
             where email_key = lower(%(email)s)
            """,
            {"email": email},
        )
        return await cur.fetchone()


async def find_login(conn: Connection, email: str) -> Login | None:
    """Look up by the address, in whichever case it is written; a disabled user has no login."""
    async with conn.cursor(row_factory=rows(Login)) as cur:
        await cur.execute(
            """
            select id, password_hash, token_epoch
              from users
             where email_key = lower(%(email)s)
               and disabled_at is null
            """,
            {"email": email},
        )
        return await cur.fetchone()


async def find_login_of(conn: Connection, user_id: uuid.UUID, session_id: uuid.UUID | None = None) -> Login | None:
    """Look up a user; with a session, only if it has not ended."""
    async with conn.cursor(row_factory=rows(Login)) as cur:
        await cur.execute(
            """
            select id, password_hash, token_epoch
              from users
             where id = %(user_id)s
               and disabled_at is null
               and (%(session_id)s::uuid is null
                    or exists (select 1
                                 from user_sessions
                                where user_sessions.id = %(session_id)s
                                  and user_sessions.user_id = users.id))
            """,
            {"user_id": user_id, "session_id": session_id},
        )
        return await cur.fetchone()


async def update_name(conn: Connection, user_id: uuid.UUID, name: str) -> None:
    await conn.execute(
        """
        update users
           set name = %(name)s
         where id = %(user_id)s
        """,
        {"user_id": user_id, "name": name},
    )


async def update_password(conn: Connection, user_id: uuid.UUID, password_hash: bytes) -> int:
    """Store a new password; access tokens of earlier epochs than the returned one are not valid any more."""
    cur = await conn.execute(
        """
        update users
           set password_hash = %(password_hash)s,
               token_epoch = token_epoch + 1
         where id = %(user_id)s
        returning token_epoch
        """,
        {"user_id": user_id, "password_hash": password_hash},
    )
    return (await one(cur))[0]


async def update_disabled(conn: Connection, user_id: uuid.UUID, disabled_at: dt.datetime | None) -> None:
    """Disable a user, or with None enable them again. Access tokens of before are not valid any more."""
    await conn.execute(
        """
        update users
           set disabled_at = %(disabled_at)s,
               token_epoch = token_epoch + 1
         where id = %(user_id)s
        """,
        {"user_id": user_id, "disabled_at": disabled_at},
    )


async def delete(conn: Connection, user_id: uuid.UUID) -> None:
    """Delete a user who is no member of any project any more."""
    await conn.execute("delete from users where id = %(user_id)s", {"user_id": user_id})
