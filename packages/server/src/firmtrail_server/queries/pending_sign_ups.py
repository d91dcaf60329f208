"""Sign-ups whose address is not confirmed yet. They belong to no project, so no statement here takes one."""

from __future__ import annotations

import datetime as dt

import attrs

from firmtrail_server.db import Connection, rows
from firmtrail_server.errors import CodeNotFound


@attrs.frozen(kw_only=True)
class PendingSignUp:
    """Who wants to be a user, as they will be stored."""

    email: str
    name: str
    password_hash: bytes = attrs.field(repr=False)
    #: of the secret of an invitation, to join its project
    invitation_digest: bytes | None = attrs.field(repr=False)


async def insert(conn: Connection, new: PendingSignUp, secret_digest: bytes, expires_at: dt.datetime) -> None:
    await conn.execute(
        """
        insert into pending_sign_ups (secret_digest, email, name, password_hash, invitation_digest, expires_at)
        values (%(secret_digest)s, %(email)s, %(name)s, %(password_hash)s, %(invitation_digest)s, %(expires_at)s)
        """,
        {"secret_digest": secret_digest, "expires_at": expires_at, **attrs.asdict(new)},
    )


async def get(conn: Connection, secret_digest: bytes, now: dt.datetime) -> PendingSignUp:
    """Look up the sign-up that a code is of, or raise `CodeNotFound`."""
    async with conn.cursor(row_factory=rows(PendingSignUp)) as cur:
        await cur.execute(
            """
            select email, name, password_hash, invitation_digest
              from pending_sign_ups
             where secret_digest = %(secret_digest)s
               and expires_at > %(now)s
            """,
            {"secret_digest": secret_digest, "now": now},
        )
        if (pending := await cur.fetchone()) is None:
            raise CodeNotFound
        return pending


async def delete_of_address(conn: Connection, email: str) -> None:
    """Delete all sign-ups of an address, which has a user now."""
    await conn.execute("delete from pending_sign_ups where lower(email) = lower(%(email)s)", {"email": email})


async def delete_expired(conn: Connection, now: dt.datetime) -> None:
    await conn.execute("delete from pending_sign_ups where expires_at <= %(now)s", {"now": now})
