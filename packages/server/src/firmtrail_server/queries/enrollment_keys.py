"""Enrollment keys: what they may do, beside what api_keys.py says of every key."""

from __future__ import annotations

import uuid

from psycopg.types.json import Jsonb

from firmtrail_contract import EnrollmentKey, NewEnrollmentKey
from firmtrail_server.db import Connection, rows
from firmtrail_server.db.keyset import EARLIEST, LOWEST_ID, Keyset, Position
from firmtrail_server.errors import ApiKeyNotFound, EnrollmentsUsedUp

KEYSET = Keyset("enrollment_keys", {"created_at": EARLIEST, "id": LOWEST_ID})


async def insert(conn: Connection, project_id: uuid.UUID, key_id: uuid.UUID, new: NewEnrollmentKey) -> None:
    await conn.execute(
        """
        insert into enrollment_keys (api_key_id, project_id, max_uses, on_known, min_silence_seconds, labels)
        values (%(key_id)s, %(project_id)s, %(max_uses)s, %(on_known)s, %(min_silence_seconds)s, %(labels)s)
        """,
        {
            "project_id": project_id,
            "key_id": key_id,
            "max_uses": new.max_uses,
            "on_known": new.on_known,
            "min_silence_seconds": new.min_silence_seconds,
            "labels": Jsonb(new.labels),
        },
    )


async def get(conn: Connection, project_id: uuid.UUID, key_id: uuid.UUID) -> EnrollmentKey:
    """Look up an enrollment key, or raise `ApiKeyNotFound`."""
    async with conn.cursor(row_factory=rows(EnrollmentKey)) as cur:
        await cur.execute(
            """
            select api_keys.id, api_keys.project_id, label, secret_start, max_uses, use_count, on_known,
                   min_silence_seconds, labels, created_by, created_at, expires_at
              from api_keys
              join enrollment_keys
                on enrollment_keys.api_key_id = api_keys.id
             where api_keys.project_id = %(project_id)s
               and api_keys.id = %(key_id)s
            """,
            {"project_id": project_id, "key_id": key_id},
        )
        if (key := await cur.fetchone()) is None:
            raise ApiKeyNotFound(key_id)
        return key


async def list_keys(conn: Connection, project_id: uuid.UUID, after: Position, limit: int) -> list[EnrollmentKey]:
    """The project's enrollment keys, oldest first."""
    async with conn.cursor(row_factory=rows(EnrollmentKey)) as cur:
        await cur.execute(
            """
            select api_keys.id, api_keys.project_id, label, secret_start, max_uses, use_count, on_known,
                   min_silence_seconds, labels, created_by, created_at, expires_at
              from api_keys
              join enrollment_keys
                on enrollment_keys.api_key_id = api_keys.id
             where api_keys.project_id = %(project_id)s
               and (created_at, api_keys.id) > (%(created_at)s, %(id)s)
             order by created_at, api_keys.id
             limit %(limit)s
            """,
            {"project_id": project_id, "limit": limit, **after},
        )
        return await cur.fetchall()


async def use(conn: Connection, project_id: uuid.UUID, key_id: uuid.UUID) -> None:
    """Count one more use of a key, or raise `EnrollmentsUsedUp`."""
    counted = await conn.execute(
        """
        update enrollment_keys
           set use_count = use_count + 1
         where project_id = %(project_id)s
           and api_key_id = %(key_id)s
           and use_count < max_uses
        """,
        {"project_id": project_id, "key_id": key_id},
    )
    if counted.rowcount == 0:
        raise EnrollmentsUsedUp
