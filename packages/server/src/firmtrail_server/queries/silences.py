"""Finding who is silent: all devices compared with the table of silences, a stretch of device ids at a time.

A device is silent when none of its components is fresh. A component is fresh for three times its cadence after the
server has heard of it, and for 15 minutes at least. The cadence is the mean gap between its reports, or the interval
that the device announces if that is longer; an hour while neither is known. No device is silent within an hour of its
registration, which is all that one has that never reports. Retired devices are not silent, nor are those of deleted
projects.

heard_at is null where no report came since the migration that brought it. Then last_reported_at, the device's own
moment, takes its place: a device that was dead before the migration would never be found otherwise.

In the feed what happens to a device as a whole is ordered by the database's clock: of one sweep a silence that ends
comes before one that begins. Its beginning would not do: a device that is restored has the same one again.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Final, NamedTuple

from firmtrail_server.db import Connection

#: of a row of `device_firmware`: how long its component is fresh after the server has heard of it
_FRESH_FOR: Final = """interval '1 second'
                       * greatest(3 * coalesce(greatest(cadence, interval_seconds::float8), 3600), 900)"""


class KeyRange(NamedTuple):
    """Device ids from `after`, which is left out, to `last`."""

    after: uuid.UUID
    last: uuid.UUID


async def take_turn(conn: Connection, name: str, every: dt.timedelta) -> bool:
    """Say whether a periodic work is due, and if so, that this process does it; by the database's clock.

    A moment far ahead is of a clock that was wrong: it must not stop the work.
    """
    cur = await conn.execute(
        """
        insert into periodic_work (name, begun_at)
        values (%(name)s, now())
            on conflict (name) do update
           set begun_at = excluded.begun_at
         where periodic_work.begun_at <= excluded.begun_at - %(every)s::interval
            or periodic_work.begun_at > excluded.begun_at + %(every)s::interval
        """,
        {"name": name, "every": every},
    )
    return cur.rowcount == 1


async def find_stretch(conn: Connection, after: uuid.UUID, limit: int) -> KeyRange | None:
    """Find the next `limit` devices of all projects, by their ids."""
    cur = await conn.execute(
        """
        select id
          from (select id from devices where id > %(after)s order by id limit %(limit)s) as stretch
         order by id desc
         limit 1
        """,
        {"after": after, "limit": limit},
    )
    row = await cur.fetchone()
    return KeyRange(after, row[0]) if row else None


async def insert_fallen_silent(conn: Connection, stretch: KeyRange, now: dt.datetime) -> int:
    """Store the silences that have begun, and tell the feed; return how many."""
    cur = await conn.execute(
        f"""
        with fallen as (
            insert into device_silences (device_id, silent_since, project_id, found_at)
            select id,
                   coalesce(
                       (select max(coalesce(heard_at, last_reported_at))
                          from device_firmware
                         where device_id = devices.id),
                       created_at
                   ),
                   project_id, %(now)s::timestamptz
              from devices
             where id > %(after)s
               and id <= %(last)s
               and retired_at is null
               and created_at < %(now)s::timestamptz - interval '1 hour'
               and project_id not in (select id from projects where deleted_at is not null)
               and not exists (
                       select 1
                         from device_firmware
                        where device_id = devices.id
                          and device_id > %(after)s  -- or the planner reads the whole table for each stretch
                          and device_id <= %(last)s
                          and coalesce(heard_at, last_reported_at) >= %(now)s::timestamptz - {_FRESH_FOR}
                   )
               and not exists (select 1 from device_silences where device_id = devices.id and ended_at is null)
                on conflict (device_id, silent_since) do nothing
            returning project_id, device_id, silent_since
        )
        insert into firmware_changes_new (
                   project_id, device_id, change_number, component, kind, silent_since, recorded_at
               )
        select project_id, device_id, 2 * (extract(epoch from now()) * 1000000)::int8 + 1, '', 'fell_silent',
               silent_since, %(now)s::timestamptz
          from fallen
            on conflict (project_id, device_id, change_number, component) do nothing
        """,  # noqa: S608  its parts are literals
        {**stretch._asdict(), "now": now},
    )
    return cur.rowcount


async def end_of_devices_heard_again(conn: Connection, stretch: KeyRange, now: dt.datetime) -> int:
    """End the silences after which a report came, and tell the feed; return how many."""
    cur = await conn.execute(
        """
        with heard as (
            update device_silences
               set ended_at = (
                       select max(coalesce(heard_at, last_reported_at))
                         from device_firmware
                        where device_firmware.device_id = device_silences.device_id
                   )
             where device_id > %(after)s
               and device_id <= %(last)s
               and ended_at is null
               and silent_since < (
                       select max(coalesce(heard_at, last_reported_at))
                         from device_firmware
                        where device_firmware.device_id = device_silences.device_id
                   )
            returning project_id, device_id, silent_since, ended_at
        )
        insert into firmware_changes_new (
                   project_id, device_id, change_number, component, kind, silent_since, ended_at, recorded_at
               )
        select project_id, device_id, 2 * (extract(epoch from now()) * 1000000)::int8, '', 'heard_again',
               silent_since, ended_at, %(now)s::timestamptz
          from heard
            on conflict (project_id, device_id, change_number, component) do nothing
        """,
        {**stretch._asdict(), "now": now},
    )
    return cur.rowcount


async def compare(
    conn: Connection, stretch: KeyRange, settled: dt.datetime, ahead: dt.datetime
) -> list[tuple[str | None, int]]:
    """Count silences by what is wrong with them, `missing` ones too; null: nothing is.

    What happened after `settled`, a sweep may still have to find, and by the clock of another server it may already be
    `ahead`: neither is wrong.
    """
    cur = await conn.execute(
        f"""
        select difference, count(*) as silences
          from (
                select case when devices.id is null then 'orphaned'
                            when devices.retired_at < %(settled)s then 'orphaned'
                            when coalesce(heard.at, devices.created_at) < silence.silent_since then 'outdated'
                            when heard.at > silence.silent_since and heard.at < %(settled)s then 'outdated'
                            when heard.is_fresh then 'outdated'
                       end as difference
                  from device_silences as silence
                  left join devices
                    on devices.id = silence.device_id
                   and devices.project_id = silence.project_id
                  left join lateral (
                           select max(coalesce(heard_at, last_reported_at)) as at,
                                  bool_or(
                                      coalesce(heard_at, last_reported_at) <= silence.silent_since
                                      and coalesce(heard_at, last_reported_at)
                                          >= %(ahead)s::timestamptz - {_FRESH_FOR}
                                  ) as is_fresh
                             from device_firmware
                            where device_id = silence.device_id
                       ) as heard on true
                 where silence.device_id > %(after)s
                   and silence.device_id <= %(last)s
                   and (silence.ended_at is null or devices.id is null)
                 union all
                select 'missing'
                  from devices
                 where id > %(after)s
                   and id <= %(last)s
                   and retired_at is null
                   and created_at < %(settled)s::timestamptz - interval '1 hour'
                   and project_id not in (select id from projects where deleted_at is not null)
                   and not exists (
                           select 1
                             from device_firmware
                            where device_id = devices.id
                              and device_id > %(after)s  -- or the planner reads the whole table for each stretch
                              and device_id <= %(last)s
                              and coalesce(heard_at, last_reported_at) >= %(settled)s::timestamptz - {_FRESH_FOR}
                       )
                   and not exists (select 1 from device_silences where device_id = devices.id and ended_at is null)
               ) as compared
         group by difference
        """,  # noqa: S608  its parts are literals
        {**stretch._asdict(), "settled": settled, "ahead": ahead},
    )
    return await cur.fetchall()


async def withdraw_wrong(conn: Connection, stretch: KeyRange, now: dt.datetime) -> int:
    """Delete what no sweep would: silences of no device, of one that is fresh, and of one that was not heard then."""
    cur = await conn.execute(
        f"""
        with wrong as (
            delete from device_silences
             where device_id > %(after)s
               and device_id <= %(last)s
               and (
                       not exists (
                           select 1
                             from devices
                            where id = device_silences.device_id
                              and project_id = device_silences.project_id
                       )
                       or ended_at is null
                      and silent_since > coalesce(
                              (select max(coalesce(heard_at, last_reported_at))
                                 from device_firmware
                                where device_firmware.device_id = device_silences.device_id),
                              (select created_at from devices where id = device_silences.device_id)
                          )
                       or ended_at is null
                      and exists (
                              select 1
                                from device_firmware
                               where device_firmware.device_id = device_silences.device_id
                                 and coalesce(heard_at, last_reported_at) <= silent_since
                                 and coalesce(heard_at, last_reported_at)
                                     >= %(now)s::timestamptz - {_FRESH_FOR}
                          )
                   )
            returning project_id, device_id, silent_since, ended_at
        ),
        told as (
            insert into firmware_changes_new (
                       project_id, device_id, change_number, component, kind, silent_since, recorded_at
                   )
            select project_id, device_id, 2 * (extract(epoch from now()) * 1000000)::int8, '',
                   'silence_withdrawn', silent_since, %(now)s::timestamptz
              from wrong
             where ended_at is null
               and exists (select 1 from devices where id = wrong.device_id and project_id = wrong.project_id)
                on conflict (project_id, device_id, change_number, component) do nothing
        )
        select count(*) from wrong
        """,  # noqa: S608  its parts are literals
        {**stretch._asdict(), "now": now},
    )
    row = await cur.fetchone()
    return row[0] if row else 0


async def withdraw_of_retired(conn: Connection, stretch: KeyRange, now: dt.datetime) -> int:
    """Delete the silences of devices that were retired, and tell the feed; return how many."""
    cur = await conn.execute(
        """
        with withdrawn as (
            delete from device_silences
             where device_id > %(after)s
               and device_id <= %(last)s
               and ended_at is null
               and device_id in (
                       select id
                         from devices
                        where id > %(after)s
                          and id <= %(last)s
                          and retired_at is not null
                          and project_id not in (select id from projects where deleted_at is not null)
                   )
            returning project_id, device_id, silent_since
        )
        insert into firmware_changes_new (
                   project_id, device_id, change_number, component, kind, silent_since, recorded_at
               )
        select project_id, device_id, 2 * (extract(epoch from now()) * 1000000)::int8, '',
               'silence_withdrawn', silent_since, %(now)s::timestamptz
          from withdrawn
            on conflict (project_id, device_id, change_number, component) do nothing
        """,
        {**stretch._asdict(), "now": now},
    )
    return cur.rowcount


async def delete_void(conn: Connection, stretch: KeyRange, ended_before: dt.datetime) -> None:
    """Delete the silences of deleted projects, and what ended before a moment."""
    await conn.execute(
        """
        delete from device_silences
         where device_id > %(after)s
           and device_id <= %(last)s
           and (
                   ended_at < %(ended_before)s
                   or ended_at is null
                  and device_id in (
                          select id
                            from devices
                           where id > %(after)s
                             and id <= %(last)s
                             and project_id in (select id from projects where deleted_at is not null)
                      )
               )
        """,
        {**stretch._asdict(), "ended_before": ended_before},
    )


async def count_silent(conn: Connection) -> int:
    """How many devices of all projects are silent."""
    cur = await conn.execute("select count(*) from device_silences where ended_at is null")
    row = await cur.fetchone()
    return row[0] if row else 0
