"""What a server of before migration 0029 stores for a report: it knows nothing of device_versions."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import NamedTuple

from firmtrail_server.db import Connection

#: the last migration that it knows
LAST_MIGRATION = "0028.device_boots_kept"


class Component(NamedTuple):
    """What a report is of."""

    project_id: uuid.UUID
    device_id: uuid.UUID
    component: str


async def store(conn: Connection, component: Component, version: str, at: dt.datetime) -> None:
    """Store a report that goes on with what is known, in a transaction of its own."""
    key = component._asdict()
    async with conn.transaction():
        found = await conn.execute(_LOCK, key)
        known = await found.fetchone()
        if known == (version,):
            await conn.execute(_EXTEND, {**key, "at": at})
            return
        if known is not None:
            await conn.execute(_CLOSE, {**key, "at": at})
        await conn.execute(_OPEN, {**key, "version": version, "at": at})


async def store_key(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, now: dt.datetime) -> uuid.UUID:
    """Store an API key of a device, whose secret nobody will ask for."""
    cur = await conn.execute(
        """
        insert into api_keys (project_id, device_id, secret_hash, created_at)
        values (%(project_id)s, %(device_id)s, 'none', %(now)s)
        returning id
        """,
        {"project_id": project_id, "device_id": device_id, "now": now},
    )
    found = await cur.fetchone()
    assert found
    return found[0]


_LOCK = """
    select version
      from device_firmware
     where device_id = %(device_id)s and component = %(component)s
       for update
"""
_EXTEND = """
    update device_firmware
       set last_reported_at = %(at)s, report_count = report_count + 1
     where device_id = %(device_id)s and component = %(component)s
"""
_CLOSE = """
    insert into device_firmware_periods (
               device_id, first_reported_at, component, period_id, project_id, version, last_reported_at, superseded_at,
               report_count, recorded_at, tie_rank
           )
    select device_id, first_reported_at, component, period_id, project_id, version, last_reported_at, %(at)s,
           report_count, recorded_at, tie_rank
      from device_firmware
     where device_id = %(device_id)s and component = %(component)s
"""
_OPEN = """
    insert into device_firmware (
               device_id, component, project_id, version, last_reported_at, period_id, first_reported_at, report_count,
               recorded_at, tie_rank
           )
    values (%(device_id)s, %(component)s, %(project_id)s, %(version)s, %(at)s, gen_random_uuid(), %(at)s, 1, %(at)s, 0)
        on conflict (device_id, component) do update
       set version = excluded.version, last_reported_at = excluded.last_reported_at, period_id = excluded.period_id,
           first_reported_at = excluded.first_reported_at, report_count = 1, recorded_at = excluded.recorded_at
"""
