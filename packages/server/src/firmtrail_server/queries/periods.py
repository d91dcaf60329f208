"""The periods around late reports: locked, read, and written back as they are now."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import attrs

from firmtrail_contract.version_periods import Period
from firmtrail_server.db import Connection, one, rows


class Part(NamedTuple):
    """A component of a device: what has a history of its own."""

    device_id: uuid.UUID
    component: str


#: the first and the last moment of the reports of each
Spans = Mapping[Part, tuple[dt.datetime, dt.datetime]]


class Hearing(NamedTuple):
    """That devices were heard of."""

    #: the server's moment
    received_at: dt.datetime
    #: how often each reports, as it announced then; None: it did not
    intervals: Mapping[uuid.UUID, int | None]


@attrs.frozen(kw_only=True)
class PeriodOfPart(Period):
    """A period, and what it is of."""

    device_id: uuid.UUID
    component: str

    @property
    def part(self) -> Part:
        return Part(self.device_id, self.component)

    @property
    def period(self) -> Period:
        return Period(**{field.name: getattr(self, field.name) for field in attrs.fields(Period)})


async def lock_open_periods(conn: Connection, project_id: uuid.UUID, parts: Iterable[Part]) -> dict[Part, Period]:
    """Read the open periods of components; until the transaction ends nobody else changes these histories.

    They are locked in the order of devices and components, so that no two who do that wait for each other.
    """
    async with conn.cursor(row_factory=rows(PeriodOfPart)) as cur:
        await cur.execute(
            """
            select opened.device_id, opened.component, opened.period_id, opened.version, opened.first_reported_at,
                   opened.last_reported_at, opened.report_count, null::timestamptz as superseded_at,
                   opened.recorded_at, opened.tie_rank
              from unnest(%(device_ids)s::uuid[], %(components)s::text[]) as part (device_id, component)
             cross join lateral (
                    select device_id, component, period_id, version, first_reported_at, last_reported_at,
                           report_count, recorded_at, tie_rank
                      from device_firmware
                     where device_firmware.project_id = %(project_id)s
                       and device_firmware.device_id = part.device_id
                       and device_firmware.component = part.component
                       for update of device_firmware
                   ) as opened
            """,
            {"project_id": project_id, **_named(sorted({*parts}))},
        )
        return {one.part: one.period for one in await cur.fetchall()}


async def list_closed_around(
    conn: Connection, project_id: uuid.UUID, spans: Spans, limit: int | None
) -> dict[Part, list[Period]]:
    """For each component, in order, the closed periods around its span.

    They are the nearest that begins before it, those that begin within it (at most `limit`; None: all), and the nearest
    after it.
    """
    async with conn.cursor(row_factory=rows(PeriodOfPart)) as cur:
        await cur.execute(
            """
            select span.device_id, span.component, around.period_id, around.version, around.first_reported_at,
                   around.last_reported_at, around.report_count, around.superseded_at, around.recorded_at,
                   around.tie_rank
              from unnest(
                       %(device_ids)s::uuid[], %(components)s::text[], %(firsts)s::timestamptz[],
                       %(lasts)s::timestamptz[]
                   ) as span (device_id, component, first_at, last_at)
             cross join lateral (
                    (select period_id, version, first_reported_at, last_reported_at, report_count, superseded_at,
                            recorded_at, tie_rank
                       from device_firmware_periods
                      where project_id = %(project_id)s
                        and device_id = span.device_id
                        and component = span.component
                        and first_reported_at < span.first_at
                      order by first_reported_at desc, tie_rank desc
                      limit 1)
                     union all
                    (select period_id, version, first_reported_at, last_reported_at, report_count, superseded_at,
                            recorded_at, tie_rank
                       from device_firmware_periods
                      where project_id = %(project_id)s
                        and device_id = span.device_id
                        and component = span.component
                        and first_reported_at >= span.first_at
                        and first_reported_at <= span.last_at
                      order by first_reported_at, tie_rank
                      limit %(limit)s)
                     union all
                    (select period_id, version, first_reported_at, last_reported_at, report_count, superseded_at,
                            recorded_at, tie_rank
                       from device_firmware_periods
                      where project_id = %(project_id)s
                        and device_id = span.device_id
                        and component = span.component
                        and first_reported_at > span.last_at
                      order by first_reported_at, tie_rank
                      limit 1)
                   ) as around
             order by span.device_id, span.component, around.first_reported_at, around.tie_rank
            """,
            {
                "project_id": project_id,
                **_named(spans),
                "firsts": [first for first, _ in spans.values()],
                "lasts": [last for _, last in spans.values()],
                "limit": limit,
            },
        )
        found: dict[Part, list[Period]] = {part: [] for part in spans}
        for one in await cur.fetchall():
            found[one.part].append(one.period)
        return found


async def insert_open(conn: Connection, project_id: uuid.UUID, periods: Mapping[Part, Period], hearing: Hearing) -> int:
    """Store the first open periods of components; return how many had none."""
    cur = await conn.execute(
        """
        with opened as (
            insert into device_firmware (
                       device_id, component, project_id, period_id, version, first_reported_at, last_reported_at,
                       report_count, recorded_at, tie_rank, heard_at, interval_seconds
                   )
            select device_id, component, %(project_id)s::uuid, period_id, version, first_reported_at,
                   last_reported_at, report_count, recorded_at, tie_rank, %(received_at)s::timestamptz,
                   interval_seconds
              from unnest(
                       %(device_ids)s::uuid[], %(components)s::text[], %(period_ids)s::uuid[], %(versions)s::text[],
                       %(firsts)s::timestamptz[], %(lasts)s::timestamptz[], %(counts)s::int8[],
                       %(recorded)s::timestamptz[], %(ranks)s::int8[], %(intervals)s::int4[]
                   ) as opened (device_id, component, period_id, version, first_reported_at, last_reported_at,
                                report_count, recorded_at, tie_rank, interval_seconds)
             order by device_id, component
                on conflict (device_id, component) do nothing
            returning device_id, component, version, first_reported_at
        ),
        current as (
            insert into device_versions (project_id, component, device_id, version, since)
            select %(project_id)s::uuid, component, device_id, version, first_reported_at
              from opened
             where version <> ''
                on conflict (project_id, component, device_id) do update
               set version = excluded.version,
                   since = excluded.since
        )
        select count(*) from opened
        """,
        {**_columns(project_id, periods.items()), **_heard(periods, hearing)},
    )
    return (await one(cur))[0]


async def update_open(
    conn: Connection, project_id: uuid.UUID, periods: Mapping[Part, Period], hearing: Hearing
) -> None:
    """Write the open periods of components back, and that they were heard of; the cadence is as reports.py says."""
    await conn.execute(
        """
        with changed as (
            select device_id, component, period_id, version, first_reported_at, last_reported_at, report_count,
                   recorded_at, tie_rank, interval_seconds
              from unnest(
                       %(device_ids)s::uuid[], %(components)s::text[], %(period_ids)s::uuid[], %(versions)s::text[],
                       %(firsts)s::timestamptz[], %(lasts)s::timestamptz[], %(counts)s::int8[],
                       %(recorded)s::timestamptz[], %(ranks)s::int8[], %(intervals)s::int4[]
                   ) as changed (device_id, component, period_id, version, first_reported_at, last_reported_at,
                                 report_count, recorded_at, tie_rank, interval_seconds)
        ),
        current as (
            insert into device_versions (project_id, component, device_id, version, since)
            select %(project_id)s::uuid, component, device_id, version, first_reported_at
              from changed
             where version <> ''
             order by device_id, component
                on conflict (project_id, component, device_id) do update
               set version = excluded.version,
                   since = excluded.since
             where device_versions.version <> excluded.version
                or device_versions.since <> excluded.since
        )
        update device_firmware
           set period_id = changed.period_id,
               version = changed.version,
               first_reported_at = changed.first_reported_at,
               last_reported_at = changed.last_reported_at,
               report_count = changed.report_count,
               recorded_at = changed.recorded_at,
               tie_rank = changed.tie_rank,
               heard_at = greatest(%(received_at)s::timestamptz, device_firmware.heard_at),
               cadence = (
                   select case when gap <= 0 or gap is null then device_firmware.cadence
                               else coalesce(device_firmware.cadence + (gap - device_firmware.cadence)
                                                 * (gap::float8 / (gap + 8 * device_firmware.cadence + 1)), gap)
                          end
                     from (values (least(extract(epoch from %(received_at)s::timestamptz
                                                          - device_firmware.heard_at)::float8,
                                         4 * device_firmware.cadence))) as pace (gap)
               ),
               interval_seconds = changed.interval_seconds
          from changed
         where device_firmware.project_id = %(project_id)s
           and device_firmware.device_id = changed.device_id
           and device_firmware.component = changed.component
        """,
        {**_columns(project_id, periods.items()), **_heard(periods, hearing)},
    )


async def delete_gone(conn: Connection, project_id: uuid.UUID, parts: Collection[Part]) -> None:
    """Store that components, whose open periods are locked, run nothing."""
    await conn.execute(
        """
        delete from device_versions
         using unnest(%(device_ids)s::uuid[], %(components)s::text[]) as gone (device_id, component)
         where device_versions.project_id = %(project_id)s
           and device_versions.component = gone.component
           and device_versions.device_id = gone.device_id
        """,
        {"project_id": project_id, **_named(parts)},
    )


async def delete_closed(conn: Connection, project_id: uuid.UUID, periods: Sequence[tuple[Part, Period]]) -> None:
    await conn.execute(
        """
        delete from device_firmware_periods
         using unnest(%(device_ids)s::uuid[], %(firsts)s::timestamptz[], %(period_ids)s::uuid[])
            as outdated (device_id, first_reported_at, period_id)
         where device_firmware_periods.project_id = %(project_id)s
           and device_firmware_periods.device_id = outdated.device_id
           and device_firmware_periods.first_reported_at = outdated.first_reported_at
           and device_firmware_periods.period_id = outdated.period_id
        """,
        _columns(project_id, periods),
    )


async def insert_closed(conn: Connection, project_id: uuid.UUID, periods: Sequence[tuple[Part, Period]]) -> None:
    await conn.execute(
        """
        insert into device_firmware_periods (
                   device_id, first_reported_at, component, period_id, project_id, version,
                   last_reported_at, superseded_at, report_count, recorded_at, tie_rank
               )
        select device_id, first_reported_at, component, period_id, %(project_id)s::uuid, version,
               last_reported_at, superseded_at, report_count, recorded_at, tie_rank
          from unnest(
                   %(device_ids)s::uuid[], %(components)s::text[], %(period_ids)s::uuid[], %(versions)s::text[],
                   %(firsts)s::timestamptz[], %(lasts)s::timestamptz[], %(counts)s::int8[],
                   %(recorded)s::timestamptz[], %(ranks)s::int8[], %(superseded)s::timestamptz[]
               ) as closed (device_id, component, period_id, version, first_reported_at, last_reported_at, report_count,
                            recorded_at, tie_rank, superseded_at)
        """,
        {**_columns(project_id, periods), "superseded": [period.superseded_at for _, period in periods]},
    )


def _named(parts: Collection[Part]) -> dict[str, object]:
    return {"device_ids": [part.device_id for part in parts], "components": [part.component for part in parts]}


def _heard(parts: Iterable[Part], hearing: Hearing) -> dict[str, object]:
    intervals = [hearing.intervals[part.device_id] for part in parts]
    return {"received_at": hearing.received_at, "intervals": intervals}


def _columns(project_id: uuid.UUID, periods: Iterable[tuple[Part, Period]]) -> dict[str, object]:
    """Write periods as arrays, one a column."""
    listed = list(periods)
    return {
        "project_id": project_id,
        **_named([part for part, _ in listed]),
        "period_ids": [period.period_id for _, period in listed],
        "versions": [period.version for _, period in listed],
        "firsts": [period.first_reported_at for _, period in listed],
        "lasts": [period.last_reported_at for _, period in listed],
        "counts": [period.report_count for _, period in listed],
        "recorded": [period.recorded_at for _, period in listed],
        "ranks": [period.tie_rank for _, period in listed],
    }
