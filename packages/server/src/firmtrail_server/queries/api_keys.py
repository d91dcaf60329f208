"""API keys: find one by its id, list, store and end them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import attrs

from firmtrail_contract import DeviceApiKey, ProjectApiKey, Role
from firmtrail_server.auth.permissions import Principal, Scope
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.db.keyset import EARLIEST, LOWEST_ID, Keyset, Position
from firmtrail_server.errors import ApiKeyNotFound


class ApiKey(NamedTuple):
    """A living key, with what its secret is checked against. Every request looks one up."""

    id: uuid.UUID
    project_id: uuid.UUID
    #: as it is stored: a `Role`
    role: str | None
    device_id: uuid.UUID | None
    expires_at: dt.datetime | None
    secret_hash: bytes
    #: None: it is older than digests
    secret_digest: bytes | None
    last_used_at: dt.datetime | None
    reports_for_devices: bool
    #: it came by enrollment, and nobody has used it yet
    is_unused: bool

    def __repr__(self) -> str:
        """Show which one it is, and nothing of its secret."""
        return f"ApiKey({self.id})"

    def principal(self, token_scopes: frozenset[Scope] | None) -> Principal:
        """Say who acts by it, with what an access token leaves of its scopes; None: all of them."""
        return Principal(
            api_key_id=self.id,
            project_id=self.project_id,
            role=_ROLES[self.role] if self.role else None,
            device_id=self.device_id,
            reports_for_devices=self.reports_for_devices,
            token_scopes=token_scopes,
        )


@attrs.frozen(kw_only=True)
class NewKey:
    """A key to store: of a device, of a project with a role, or of neither, for enrollment."""

    role: Role | None = None
    device_id: uuid.UUID | None = None
    label: str
    secret_hash: bytes = attrs.field(repr=False)
    secret_digest: bytes = attrs.field(repr=False)
    secret_start: str
    created_by: uuid.UUID | None
    created_at: dt.datetime
    expires_at: dt.datetime | None
    reports_for_devices: bool = False
    is_unused: bool = False


_ROLES: dict[str, Role] = {role.value: role for role in Role}
KEYSET = Keyset("api_keys", {"created_at": EARLIEST, "id": LOWEST_ID})


async def find(conn: Connection, key_id: uuid.UUID, now: dt.datetime) -> ApiKey | None:
    """Look up a key that has not expired, of a project that is not deleted. It tells the project, so it takes none."""
    async with conn.cursor(row_factory=rows(ApiKey)) as cur:
        await cur.execute(
            """
            select api_keys.id, api_keys.project_id, api_keys.role, api_keys.device_id, api_keys.expires_at,
                   api_keys.secret_hash, api_keys.secret_digest, api_keys.last_used_at,
                   api_keys.reports_for_devices, api_keys.is_unused
              from api_keys
              join projects
                on projects.id = api_keys.project_id
               and projects.deleted_at is null
             where api_keys.id = %(key_id)s
               and (api_keys.expires_at is null or api_keys.expires_at > %(now)s)
            """,
            {"key_id": key_id, "now": now},
        )
        return await cur.fetchone()


async def update_digest(conn: Connection, project_id: uuid.UUID, key_id: uuid.UUID, digest: bytes) -> None:
    await conn.execute(
        """
        update api_keys
           set secret_digest = %(digest)s
         where project_id = %(project_id)s
           and id = %(key_id)s
        """,
        {"project_id": project_id, "key_id": key_id, "digest": digest},
    )


async def insert(conn: Connection, project_id: uuid.UUID, key: NewKey) -> uuid.UUID:
    cur = await conn.execute(
        """
        insert into api_keys (
                   project_id, role, device_id, label, secret_hash, secret_digest, secret_start, created_by,
                   created_at, expires_at, reports_for_devices, is_unused
               )
        values (%(project_id)s, %(role)s, %(device_id)s, %(label)s, %(secret_hash)s, %(secret_digest)s,
                %(secret_start)s, %(created_by)s, %(created_at)s, %(expires_at)s, %(reports_for_devices)s,
                %(is_unused)s)
        returning id
        """,
        {"project_id": project_id, **attrs.asdict(key)},
    )
    return (await one(cur))[0]


async def get_of_project(conn: Connection, project_id: uuid.UUID, key_id: uuid.UUID) -> ProjectApiKey:
    """Look up a key that belongs to the project itself, or raise `ApiKeyNotFound`."""
    async with conn.cursor(row_factory=rows(ProjectApiKey)) as cur:
        await cur.execute(
            """
            select id, project_id, role, reports_for_devices, label, secret_start, created_by, created_at, expires_at,
                   last_used_at
              from api_keys
             where project_id = %(project_id)s
               and id = %(key_id)s
               and role is not null
            """,
            {"project_id": project_id, "key_id": key_id},
        )
        if (key := await cur.fetchone()) is None:
            raise ApiKeyNotFound(key_id)
        return key


async def list_of_project(conn: Connection, project_id: uuid.UUID, after: Position, limit: int) -> list[ProjectApiKey]:
    """The keys that belong to the project itself, oldest first."""
    async with conn.cursor(row_factory=rows(ProjectApiKey)) as cur:
        await cur.execute(
            """
            select id, project_id, role, reports_for_devices, label, secret_start, created_by, created_at, expires_at,
                   last_used_at
              from api_keys
             where project_id = %(project_id)s
               and device_id is null
               and role is not null
               and (created_at, id) > (%(created_at)s, %(id)s)
             order by created_at, id
             limit %(limit)s
            """,
            {"project_id": project_id, "limit": limit, **after},
        )
        return await cur.fetchall()


async def list_of_device(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, now: dt.datetime
) -> list[DeviceApiKey]:
    """The living keys of a device, oldest first: never more than `keys.MAX_DEVICE_KEYS`."""
    async with conn.cursor(row_factory=rows(DeviceApiKey)) as cur:
        await cur.execute(
            """
            select id, device_id, label, secret_start, created_by, created_at, expires_at, last_used_at
              from api_keys
             where project_id = %(project_id)s
               and device_id = %(device_id)s
               and (expires_at is null or expires_at > %(now)s)
             order by created_at, id
            """,
            {"project_id": project_id, "device_id": device_id, "now": now},
        )
        return await cur.fetchall()


async def mark_used(conn: Connection, project_id: uuid.UUID, key_id: uuid.UUID) -> bool:
    """Note that a key which came by enrollment is in use, so that this enrollment is not repeated any more.

    Returns:
        Whether there still is such a key.
    """
    cur = await conn.execute(
        """
        update api_keys
           set is_unused = false
         where project_id = %(project_id)s
           and id = %(key_id)s
        """,
        {"project_id": project_id, "key_id": key_id},
    )
    return cur.rowcount == 1


async def delete_unused(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, enrollment_key_id: uuid.UUID
) -> int:
    """Delete the key that a device got by an enrollment key, if it has no other and this one was never used.

    Returns:
        How many are deleted: 1, or 0.
    """
    cur = await conn.execute(
        """
        delete from api_keys
         where project_id = %(project_id)s
           and device_id = %(device_id)s
           and created_by = %(enrollment_key_id)s
           and is_unused
           and last_used_at is null
           and (
                   select count(*)
                     from api_keys as all_of_device
                    where all_of_device.project_id = %(project_id)s
                      and all_of_device.device_id = %(device_id)s
               ) = 1
        """,
        {"project_id": project_id, "device_id": device_id, "enrollment_key_id": enrollment_key_id},
    )
    return cur.rowcount


async def end(conn: Connection, project_id: uuid.UUID, key_id: uuid.UUID, at: dt.datetime) -> None:
    """Let a key expire at a moment, unless it does so earlier."""
    await conn.execute(
        """
        update api_keys
           set expires_at = %(at)s
         where project_id = %(project_id)s
           and id = %(key_id)s
           and (expires_at is null or expires_at > %(at)s)
        """,
        {"project_id": project_id, "key_id": key_id, "at": at},
    )


async def delete(conn: Connection, project_id: uuid.UUID, key_id: uuid.UUID) -> None:
    await conn.execute(
        """
        delete from api_keys
         where project_id = %(project_id)s
           and id = %(key_id)s
        """,
        {"project_id": project_id, "key_id": key_id},
    )


async def delete_expired_of_device(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, now: dt.datetime
) -> None:
    await conn.execute(
        """
        delete from api_keys
         where project_id = %(project_id)s
           and device_id = %(device_id)s
           and expires_at <= %(now)s
        """,
        {"project_id": project_id, "device_id": device_id, "now": now},
    )


async def delete_of_devices(conn: Connection, project_id: uuid.UUID, device_ids: Sequence[uuid.UUID]) -> None:
    await conn.execute(
        """
        delete from api_keys
         where project_id = %(project_id)s
           and device_id = any(%(device_ids)s)
        """,
        {"project_id": project_id, "device_ids": list(device_ids)},
    )


async def update_last_used(conn: Connection, used: Mapping[uuid.UUID, dt.datetime]) -> None:
    """Store when keys were used. They are of any project: what is stored is about the keys alone."""
    await conn.execute(
        """
        update api_keys
           set last_used_at = used.at
          from unnest(%(key_ids)s::uuid[], %(moments)s::timestamptz[]) as used (key_id, at)
         where api_keys.id = used.key_id
           and (api_keys.last_used_at is null or api_keys.last_used_at < used.at)
        """,
        {"key_ids": list(used), "moments": list(used.values())},
    )
