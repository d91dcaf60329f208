"""Comparing device_versions with device_firmware, from which it is derived, and repairing a row of it. Of all projects.

Whoever writes a report writes both tables in one transaction, so one statement sees them agree, and what it finds to
differ is no report on its way.
"""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import NamedTuple

from firmtrail_contract.version_periods import Period
from firmtrail_server.db import Connection


class Difference(StrEnum):
    """What is wrong with a row of device_versions, or of device_silences."""

    #: there is none for what a component runs, or for a device that is silent
    MISSING = "missing"
    #: it has another version than the open period, or another beginning; or its device is not silent since then
    OUTDATED = "outdated"
    #: there is no open period for it, or no device in service
    ORPHANED = "orphaned"


class Key(NamedTuple):
    """A component of a device."""

    project_id: uuid.UUID
    component: str
    device_id: uuid.UUID


FIRST = Key(uuid.UUID(int=0), "", uuid.UUID(int=0))


async def compare_open_periods(conn: Connection, after: Key, limit: int) -> list[tuple[Key, Difference | None]]:
    """Say of the next open periods, by device and component, whether device_versions lacks them or differs.

    Each is looked up by the primary key: `limit` leaves the planner no other way, whatever its statistics say.
    """
    cur = await conn.execute(
        """
        select written.project_id, written.component, written.device_id,
               case when written.version = '' then null
                    when derived.version is null then 'missing'
                    when derived.version <> written.version or derived.since <> written.first_reported_at
                    then 'outdated'
               end
          from (
                select project_id, component, device_id, version, first_reported_at
                  from device_firmware
                 where (device_id, component) > (%(device_id)s, %(component)s)
                 order by device_id, component
                 limit %(limit)s
               ) as written
          left join lateral (
                   select version, since
                     from device_versions
                    where device_versions.project_id = written.project_id
                      and device_versions.component = written.component
                      and device_versions.device_id = written.device_id
                    limit 1
               ) as derived on true
         order by written.device_id, written.component
        """,
        {**after._asdict(), "limit": limit},
    )
    return _compared(await cur.fetchall())


async def compare_derived_rows(conn: Connection, after: Key, limit: int) -> list[tuple[Key, Difference | None]]:
    """Say of the next rows of device_versions, by its primary key, whether there is no open period for them."""
    cur = await conn.execute(
        """
        select derived.project_id, derived.component, derived.device_id,
               case when written.version is null then 'orphaned' end
          from (
                select project_id, component, device_id
                  from device_versions
                 where (project_id, component, device_id) > (%(project_id)s, %(component)s, %(device_id)s)
                 order by project_id, component, device_id
                 limit %(limit)s
               ) as derived
          left join lateral (
                   select version
                     from device_firmware
                    where device_firmware.device_id = derived.device_id
                      and device_firmware.component = derived.component
                      and device_firmware.project_id = derived.project_id
                      and device_firmware.version <> ''
                    limit 1
               ) as written on true
         order by derived.project_id, derived.component, derived.device_id
        """,
        {**after._asdict(), "limit": limit},
    )
    return _compared(await cur.fetchall())


async def store(conn: Connection, key: Key, period: Period) -> int:
    """Store what a component runs, whose open period is locked; return how many rows that changed."""
    cur = await conn.execute(
        """
        insert into device_versions (project_id, component, device_id, version, since)
        values (%(project_id)s, %(component)s, %(device_id)s, %(version)s, %(since)s)
            on conflict (project_id, component, device_id) do update
           set version = excluded.version,
               since = excluded.since
         where device_versions.version <> excluded.version
            or device_versions.since <> excluded.since
        """,
        {**key._asdict(), "version": period.version, "since": period.first_reported_at},
    )
    return cur.rowcount


async def lock(conn: Connection, key: Key) -> None:
    """Let nobody change a row until the transaction ends: who opens the period that it lacks waits or is done."""
    await conn.execute(
        """
        select version
          from device_versions
         where project_id = %(project_id)s
           and component = %(component)s
           and device_id = %(device_id)s
           for update of device_versions  -- allow for-update: on CockroachDB the transaction is SERIALIZABLE
        """,
        key._asdict(),
    )


async def delete_orphan(conn: Connection, key: Key) -> int:
    """Delete a row, which is locked, unless there is an open period for it; return how many that were."""
    cur = await conn.execute(
        """
        delete from device_versions
         where project_id = %(project_id)s
           and component = %(component)s
           and device_id = %(device_id)s
           and not exists (
                   select 1
                     from device_firmware
                    where project_id = %(project_id)s
                      and component = %(component)s
                      and device_id = %(device_id)s
                      and version <> ''
               )
        """,
        key._asdict(),
    )
    return cur.rowcount


def _compared(found: list[tuple[uuid.UUID, str, uuid.UUID, str | None]]) -> list[tuple[Key, Difference | None]]:
    return [
        (Key(project_id, component, device_id), None if difference is None else Difference(difference))
        for project_id, component, device_id, difference in found
    ]
