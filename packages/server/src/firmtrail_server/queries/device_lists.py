"""The devices of a project that match filters, page by page.

They come by name. Those that run some version come by id: a version's own entries of an index are in this order, and of
a rare version a walk by name would read everything.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Final

import attrs

from firmtrail_contract import Device, DeviceQuery, RunningVersion
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.db.keyset import LOWEST_ID, Keyset
from firmtrail_server.queries.counted import LABELLED, Labelled

BY_NAME = Keyset("devices by name", {"name": ""})
#: no name is as long as this, and none begins with a greater character
BY_NAME_DESCENDING = Keyset("devices by name, descending", {"name": "\U0010ffff" * 201})
BY_ID = Keyset("devices by id", {"id": LOWEST_ID})


@attrs.frozen(kw_only=True)
class DeviceRow(Device):
    """A device of the list."""

    silent_since: dt.datetime | None


@attrs.frozen(kw_only=True)
class DeviceVersion(RunningVersion):
    """What a component of a device runs."""

    device_id: uuid.UUID


@attrs.frozen
class KeyRange:
    """The devices behind one id, up to another, that run one of some versions, each with its component."""

    versions: Sequence[tuple[str, str]]
    after: uuid.UUID
    until: uuid.UUID

    @property
    def parameters(self) -> dict[str, object]:
        return {
            "components": [component for component, _ in self.versions],
            "versions": [version for _, version in self.versions],
            "after": self.after,
            "until": self.until,
        }


_COLUMNS: Final = """devices.id, devices.project_id, devices.name, devices.labels, devices.hardware_fingerprint,
                   devices.created_at, devices.retired_at, devices.two_machines_since, last_reported_at,
                   silences.silent_since"""
_JOINED: Final = """left join lateral (
                       select max(last_reported_at) as last_reported_at
                         from device_firmware
                        where device_id = devices.id
                   ) as reports on true
              left join lateral (
                       select silent_since
                         from device_silences
                        where device_id = devices.id
                          and ended_at is null
                        limit 1
                   ) as silences on true
              left join lateral (
                       select health as agent_health, version as agent_version
                         from device_agents
                        where device_id = devices.id
                        limit 1
                   ) as agents on true"""
#: one device of `matching`, met by its key: joined otherwise, all devices of the project may be read
_MATCHING: Final = """cross join lateral (
                       select id, project_id, name, labels, hardware_fingerprint, created_at, retired_at,
                              two_machines_since
                         from devices
                        where project_id = %(project_id)s
                          and id = matching.device_id
                        limit 1
                   ) as devices"""
#: the devices in a range of the key that run one of some versions
_RUNNING: Final = """(
                    select distinct ran.device_id
                      from unnest(%(components)s::text[], %(versions)s::text[]) as wanted (component, version)
                      join device_versions as ran
                        on ran.project_id = %(project_id)s
                       and ran.component = wanted.component
                       and ran.version = wanted.version
                       and ran.device_id > %(after)s
                       and ran.device_id <= %(until)s
                   ) as matching"""
#: the devices in a range of the key that ran one of some versions at a moment that has passed
_THAT_RAN: Final = """(
                    select ran.device_id
                      from unnest(%(components)s::text[], %(versions)s::text[]) as wanted (component, version)
                     cross join lateral (
                            select device_id, first_reported_at, superseded_at
                              from device_firmware_periods
                             where project_id = %(project_id)s
                               and component = wanted.component
                               and version = wanted.version
                               and device_id > %(after)s
                               and device_id <= %(until)s
                            offset 0  -- or the planner takes the moment for a reason to read the index by span
                           ) as ran
                     where ran.first_reported_at <= %(at)s
                       and ran.superseded_at > %(at)s
                     union
                    select ran.device_id
                      from unnest(%(components)s::text[], %(versions)s::text[]) as wanted (component, version)
                      join device_versions as ran
                        on ran.project_id = %(project_id)s
                       and ran.component = wanted.component
                       and ran.version = wanted.version
                       and ran.device_id > %(after)s
                       and ran.device_id <= %(until)s
                       and ran.since <= %(at)s
                   ) as matching"""
_FILTERS: Final = f"""(%(name)s::text is null or strpos(lower(name), lower(%(name)s)) > 0)
               and {LABELLED}
               and (
                       %(state)s = 'any'
                       or (retired_at is not null and (%(at)s::timestamptz is null or retired_at <= %(at)s))
                           = (%(state)s = 'retired')
                   )
               and (
                       %(two_machines)s::boolean is null
                       or (two_machines_since is not null) = %(two_machines)s
                   )
               and (%(silent)s::boolean is null or (silences.silent_since is not null) = %(silent)s)
               and (%(agent_health)s::text is null or agents.agent_health = %(agent_health)s)
               and (%(agent_version)s::text is null or agents.agent_version = %(agent_version)s)
               and (%(created_from)s::timestamptz is null or created_at >= %(created_from)s)
               and (%(created_before)s::timestamptz is null or created_at < %(created_before)s)
               and (%(reported_from)s::timestamptz is null or last_reported_at >= %(reported_from)s)
               and (
                       %(reported_before)s::timestamptz is null
                       or last_reported_at is null
                       or last_reported_at < %(reported_before)s
                   )
               and (
                       %(changed_since)s::timestamptz is null
                       or exists (
                              select 1
                                from device_firmware
                               where device_id = devices.id
                                 and first_reported_at >= %(changed_since)s
                          )
                   )"""  # noqa: S608  its parts are literals


async def list_devices(
    conn: Connection, project_id: uuid.UUID, query: DeviceQuery, after: str, limit: int
) -> list[DeviceRow]:
    """The project's devices that the query asks for, whatever they run, by name."""
    async with conn.cursor(row_factory=rows(DeviceRow)) as cur:
        await cur.execute(
            f"""
            select {_COLUMNS}
              from devices
              {_JOINED}
             where project_id = %(project_id)s
               and devices.name > %(after)s
               and {_FILTERS}
             order by devices.name
             limit %(limit)s
            """,  # noqa: S608  its parts are literals
            {"project_id": project_id, "after": after, "limit": limit, **_parameters(query)},
            prepare=False,
        )
        return await cur.fetchall()


async def list_devices_descending(
    conn: Connection, project_id: uuid.UUID, query: DeviceQuery, before: str, limit: int
) -> list[DeviceRow]:
    """The same, from the last name to the first."""
    async with conn.cursor(row_factory=rows(DeviceRow)) as cur:
        await cur.execute(
            f"""
            select {_COLUMNS}
              from devices
              {_JOINED}
             where project_id = %(project_id)s
               and devices.name < %(before)s
               and {_FILTERS}
             order by devices.name desc
             limit %(limit)s
            """,  # noqa: S608  its parts are literals
            {"project_id": project_id, "before": before, "limit": limit, **_parameters(query)},
            prepare=False,
        )
        return await cur.fetchall()


async def list_running(
    conn: Connection, project_id: uuid.UUID, query: DeviceQuery, stretch: KeyRange, limit: int
) -> list[DeviceRow]:
    """Those of them in a stretch of the key that run one of its versions, by id."""
    async with conn.cursor(row_factory=rows(DeviceRow)) as cur:
        await cur.execute(
            f"""
            select {_COLUMNS}
              from {_RUNNING}
              {_MATCHING}
              {_JOINED}
             where {_FILTERS}
             order by devices.id
             limit %(limit)s
            """,  # noqa: S608  its parts are literals
            {"project_id": project_id, "limit": limit, **_parameters(query), **stretch.parameters},
            prepare=False,
        )
        return await cur.fetchall()


async def list_that_ran(
    conn: Connection, project_id: uuid.UUID, query: DeviceQuery, stretch: KeyRange, limit: int
) -> list[DeviceRow]:
    """Those of them in a stretch that ran one of its versions at the query's moment, which has passed, by id."""
    async with conn.cursor(row_factory=rows(DeviceRow)) as cur:
        await cur.execute(
            f"""
            select {_COLUMNS}
              from {_THAT_RAN}
              {_MATCHING}
              {_JOINED}
             where {_FILTERS}
             order by devices.id
             limit %(limit)s
            """,  # noqa: S608  its parts are literals
            {"project_id": project_id, "limit": limit, **_parameters(query), **stretch.parameters},
            prepare=False,
        )
        return await cur.fetchall()


async def count_devices(conn: Connection, project_id: uuid.UUID, query: DeviceQuery) -> int:
    """Count the project's devices that the query asks for, whatever they run."""
    cur = await conn.execute(
        f"""
        select count(*)
          from devices
          {_JOINED}
         where project_id = %(project_id)s
           and {_FILTERS}
        """,  # noqa: S608  its parts are literals
        {"project_id": project_id, **_parameters(query)},
        prepare=False,
    )
    return (await one(cur))[0]


async def count_running(conn: Connection, project_id: uuid.UUID, query: DeviceQuery, devices: KeyRange) -> int:
    """Count those of them in a range of the key that run one of its versions."""
    cur = await conn.execute(
        f"""
        select count(*)
          from {_RUNNING}
          {_MATCHING}
          {_JOINED}
         where {_FILTERS}
        """,  # noqa: S608  its parts are literals
        {"project_id": project_id, **_parameters(query), **devices.parameters},
        prepare=False,
    )
    return (await one(cur))[0]


async def count_that_ran(conn: Connection, project_id: uuid.UUID, query: DeviceQuery, devices: KeyRange) -> int:
    """Count those of them in a range that ran one of its versions at the query's moment, which has passed."""
    cur = await conn.execute(
        f"""
        select count(*)
          from {_THAT_RAN}
          {_MATCHING}
          {_JOINED}
         where {_FILTERS}
        """,  # noqa: S608  its parts are literals
        {"project_id": project_id, **_parameters(query), **devices.parameters},
        prepare=False,
    )
    return (await one(cur))[0]


def _parameters(query: DeviceQuery) -> dict[str, object]:
    return {**attrs.asdict(query), **Labelled(query.labels).parameters}


async def list_versions_now(
    conn: Connection, project_id: uuid.UUID, device_ids: Sequence[uuid.UUID]
) -> list[DeviceVersion]:
    """What the components of devices run."""
    async with conn.cursor(row_factory=rows(DeviceVersion)) as cur:
        await cur.execute(
            """
            select device_id, component, version, first_reported_at as since
              from device_firmware
             where project_id = %(project_id)s
               and device_id = any(%(device_ids)s)
               and version <> ''
             order by device_id, component
            """,
            {"project_id": project_id, "device_ids": list(device_ids)},
            prepare=False,
        )
        return await cur.fetchall()


async def list_versions_at(
    conn: Connection, project_id: uuid.UUID, device_ids: Sequence[uuid.UUID], at: dt.datetime
) -> list[DeviceVersion]:
    """What the components of devices ran at a moment that has passed.

    Every component has an open period. Where that began later, the last period before it is met by its key.
    """
    async with conn.cursor(row_factory=rows(DeviceVersion)) as cur:
        await cur.execute(
            """
            select device_id, component, version, first_reported_at as since
              from device_firmware
             where project_id = %(project_id)s
               and device_id = any(%(device_ids)s)
               and first_reported_at <= %(at)s
               and version <> ''
             union all
            select later.device_id, later.component, ran.version, ran.first_reported_at as since
              from device_firmware as later
             cross join lateral (
                    select version, first_reported_at, superseded_at
                      from device_firmware_periods
                     where device_id = later.device_id
                       and component = later.component
                       and first_reported_at <= %(at)s
                       and superseded_at > first_reported_at
                     order by first_reported_at desc
                     limit 1
                   ) as ran
             where later.project_id = %(project_id)s
               and later.device_id = any(%(device_ids)s)
               and later.first_reported_at > %(at)s
               and ran.superseded_at > %(at)s
               and ran.version <> ''
             order by device_id, component
            """,
            {"project_id": project_id, "device_ids": list(device_ids), "at": at},
            prepare=False,
        )
        return await cur.fetchall()
