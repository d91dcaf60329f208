"""Sessions of users, and their refresh tokens. They belong to no project, so no statement here takes one."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract import Session
from firmtrail_server.db import Connection, rows
from firmtrail_server.db.keyset import EARLIEST, LOWEST_ID, Keyset, Position
from firmtrail_server.errors import SessionNotFound

KEYSET = Keyset("sessions", {"created_at": EARLIEST, "id": LOWEST_ID})


@attrs.frozen(kw_only=True)
class NewSession:
    """A session to store."""

    id: uuid.UUID
    user_id: uuid.UUID
    #: with spaces between; None: all that the user may do
    scopes: str | None
    token_digest: bytes = attrs.field(repr=False)
    expires_at: dt.datetime
    client: str
    address: str


@attrs.frozen(kw_only=True)
class StoredSession:
    """What a refresh token is compared with, and what it gives."""

    id: uuid.UUID
    user_id: uuid.UUID
    scopes: str | None
    token_digest: bytes = attrs.field(repr=False)
    #: of the token before, and what its successor follows from; None: there was none
    previous_digest: bytes | None = attrs.field(repr=False)
    successor_salt: bytes | None = attrs.field(repr=False)
    created_at: dt.datetime
    last_used_at: dt.datetime
    expires_at: dt.datetime
    client: str
    token_epoch: int


@attrs.frozen(kw_only=True)
class Rotation:
    """What the use of a refresh token changes."""

    #: of its successor
    token_digest: bytes = attrs.field(repr=False)
    #: its own
    previous_digest: bytes = attrs.field(repr=False)
    successor_salt: bytes = attrs.field(repr=False)
    last_used_at: dt.datetime
    expires_at: dt.datetime
    client: str
    address: str


async def insert(conn: Connection, new: NewSession, now: dt.datetime) -> None:
    await conn.execute(
        """
        insert into user_sessions (id, user_id, scopes, token_digest, created_at, last_used_at, expires_at, client,
                                   address)
        values (%(id)s, %(user_id)s, %(scopes)s, %(token_digest)s, %(now)s, %(now)s, %(expires_at)s, %(client)s,
                %(address)s)
        """,
        {"now": now, **attrs.asdict(new)},
    )


async def find(conn: Connection, session_id: uuid.UUID, now: dt.datetime) -> StoredSession | None:
    """Look up a session that has not expired."""
    async with conn.cursor(row_factory=rows(StoredSession)) as cur:
        await cur.execute(
            """
            select user_sessions.id, user_sessions.user_id, user_sessions.scopes, user_sessions.token_digest,
                   user_sessions.previous_digest, user_sessions.successor_salt, user_sessions.created_at,
                   user_sessions.last_used_at, user_sessions.expires_at, user_sessions.client, users.token_epoch
              from user_sessions
              join users
                on users.id = user_sessions.user_id
             where user_sessions.id = %(session_id)s
               and user_sessions.expires_at > %(now)s
            """,
            {"session_id": session_id, "now": now},
        )
        return await cur.fetchone()


async def list_sessions(  # noqa: PLR0913, PLR0917  whose, seen from where, and which of them
    conn: Connection,
    user_id: uuid.UUID,
    current_id: uuid.UUID | None,
    now: dt.datetime,
    after: Position,
    limit: int,
) -> list[Session]:
    """The living sessions of a user, oldest first."""
    async with conn.cursor(row_factory=rows(Session)) as cur:
        await cur.execute(
            """
            select id, created_at, last_used_at, expires_at, client, address,
                   coalesce(id = %(current_id)s::uuid, false) as is_current
              from user_sessions
             where user_id = %(user_id)s
               and expires_at > %(now)s
               and (created_at, id) > (%(created_at)s, %(id)s)
             order by created_at, id
             limit %(limit)s
            """,
            {"user_id": user_id, "current_id": current_id, "now": now, "limit": limit, **after},
        )
        return await cur.fetchall()


async def rotate(conn: Connection, session_id: uuid.UUID, rotation: Rotation) -> None:
    """Put the successor in the place of a session's token, and remember when, where and by what it was used."""
    await conn.execute(
        """
        update user_sessions
           set token_digest = %(token_digest)s,
               previous_digest = %(previous_digest)s,
               successor_salt = %(successor_salt)s,
               last_used_at = %(last_used_at)s,
               expires_at = %(expires_at)s,
               client = %(client)s,
               address = %(address)s
         where id = %(session_id)s
        """,
        {"session_id": session_id, **attrs.asdict(rotation)},
    )


async def delete(conn: Connection, user_id: uuid.UUID, session_id: uuid.UUID) -> str:
    """End a session of a user and return its client, or raise `SessionNotFound`."""
    cur = await conn.execute(
        """
        delete from user_sessions
         where user_id = %(user_id)s
           and id = %(session_id)s
        returning client
        """,
        {"user_id": user_id, "session_id": session_id},
    )
    if (row := await cur.fetchone()) is None:
        raise SessionNotFound(session_id)
    return row[0]


async def delete_of_user(conn: Connection, user_id: uuid.UUID) -> None:
    await conn.execute("delete from user_sessions where user_id = %(user_id)s", {"user_id": user_id})


async def delete_spare(conn: Connection, user_id: uuid.UUID, kept: int, now: dt.datetime) -> None:
    """End the sessions of a user that have expired, and of the others all but some that were used last."""
    await conn.execute(
        """
        delete from user_sessions
         where user_id = %(user_id)s
           and id not in (select id
                            from user_sessions
                           where user_id = %(user_id)s
                             and expires_at > %(now)s
                           order by last_used_at desc, id
                           limit %(kept)s)
        """,
        {"user_id": user_id, "kept": kept, "now": now},
    )
