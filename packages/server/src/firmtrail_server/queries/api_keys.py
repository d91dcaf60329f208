"""API keys: find one by its id, store new ones."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract import Role
from firmtrail_server.access import Principal
from firmtrail_server.db import Connection, one, rows


@attrs.frozen(kw_only=True)
class ApiKey:
    """A living key, with what its secret is checked against."""

    id: uuid.UUID
    project_id: uuid.UUID
    role: Role | None
    device_id: uuid.UUID | None
    expires_at: dt.datetime | None
    secret_hash: bytes = attrs.field(repr=False)

    @property
    def principal(self) -> Principal:
        return Principal(api_key_id=self.id, project_id=self.project_id, role=self.role, device_id=self.device_id)


async def find(conn: Connection, key_id: uuid.UUID, now: dt.datetime) -> ApiKey | None:
    """Look up a key that has not expired. It is what tells the project, so it takes none."""
    async with conn.cursor(row_factory=rows(ApiKey)) as cur:
        await cur.execute(
            """
            select id, project_id, role, device_id, expires_at, secret_hash
              from api_keys
             where id = %(key_id)s
               and (expires_at is null or expires_at > %(now)s)
            """,
            {"key_id": key_id, "now": now},
        )
        return await cur.fetchone()


async def is_alive(conn: Connection, project_id: uuid.UUID, key_id: uuid.UUID, now: dt.datetime) -> bool:
    """Whether a key is neither deleted nor expired."""
    cur = await conn.execute(
        """
        select 1
          from api_keys
         where project_id = %(project_id)s
           and id = %(key_id)s
           and (expires_at is null or expires_at > %(now)s)
        """,
        {"project_id": project_id, "key_id": key_id, "now": now},
    )
    return await cur.fetchone() is not None


async def insert_for_project(
    conn: Connection, project_id: uuid.UUID, role: Role, secret_hash: bytes, now: dt.datetime
) -> uuid.UUID:
    cur = await conn.execute(
        """
        insert into api_keys (project_id, role, secret_hash, created_at)
        values (%(project_id)s, %(role)s, %(secret_hash)s, %(now)s)
        returning id
        """,
        {"project_id": project_id, "role": role, "secret_hash": secret_hash, "now": now},
    )
    return (await one(cur))[0]


async def insert_for_device(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, secret_hash: bytes, now: dt.datetime
) -> uuid.UUID:
    cur = await conn.execute(
        """
        insert into api_keys (project_id, device_id, secret_hash, created_at)
        values (%(project_id)s, %(device_id)s, %(secret_hash)s, %(now)s)
        returning id
        """,
        {"project_id": project_id, "device_id": device_id, "secret_hash": secret_hash, "now": now},
    )
    return (await one(cur))[0]
