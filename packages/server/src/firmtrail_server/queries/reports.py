"""Storing reports: the one statement that nearly every report ends in, and what it asks of a key."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import NamedTuple

from firmtrail_contract import ObservedAtSource, ReportOutcome
from firmtrail_contract.version_periods import MAX_CLOCK_LEAD
from firmtrail_server.db import Connection, Link, array, bytea_array, text_array
from firmtrail_server.errors import SecretUnproved, Unauthenticated
from firmtrail_server.history.boots import SendingBoot
from firmtrail_server.history.timeline import Record, Sender


class Report(NamedTuple):
    """A record, and whose it is."""

    sender: Sender
    received_at: dt.datetime
    record: Record
    #: the boot that sends, where the record was placed by that alone; None: its moments stand
    boot: SendingBoot | None = None

    @property
    def keys(self) -> list[tuple[int, str]]:
        """What it changes: no two that are stored together may have one of these in common."""
        device_id = self.sender.device_id.int
        return [(device_id, component) for component, _ in self.record.versions]


class Stored(NamedTuple):
    """What became of a version."""

    observed_at: dt.datetime
    outcome: ReportOutcome


async def extend_histories(link: Link, reports: Sequence[Report]) -> list[list[Stored]]:
    """Store records that go on with what is known; no two may be of one component of a device.

    Extends the open period of a component, or closes it and opens the next. What lies within that period changes only
    when the component was heard of. A record of which any other part is late, or is of a component that has no period
    yet or is gone from now on, is left alone whole. The key tells the project, so the statement takes none: it is the
    device's own, or that of a gateway of the device's project.
    A record that was placed by the boot that sends moves to where that boot is remembered to have started. It is left
    alone where more has to be found out: the boot is not known, is known as an earlier one, has drifted, has not sent
    with this key, or another one has that was heard of since.
    The server's moment of all of them is that of the last. The cadence of a component is a mean of the gaps between its
    reports, weighted by time: a burst of reboots weighs nothing, and an outage at most doubles it.

    What is known is read by locking it, so the statement decides rightly at READ COMMITTED. Each table is met row by
    row, by its primary key: a limit or a lock within `lateral` leaves the planner no other way, also while it takes the
    tables for small ones. The boot is asked for by a range and an order, or it would be looked for among all boots of
    its device. A report is one row until its key and its boot are looked up, and then one for each of its versions.

    Returns:
        For each report what became of each version; nothing where it was left alone, as it is too when its key is not
        alive, or the secret not proved by its digest.
    """
    columns = _columns(reports)
    rows = await link.run(
        """
        with input as (
            select report, first_part, last_part, api_key_id, device_id, digest, first_at, last_at, count,
                   interval_seconds, boot_id, started_at
              from unnest(
                       %(first_parts)s::int8[], %(last_parts)s::int8[], %(api_key_ids)s::uuid[],
                       %(device_ids)s::uuid[], %(digests)s::bytea[], %(first_moments)s::timestamptz[],
                       %(last_moments)s::timestamptz[], %(counts)s::int8[], %(intervals)s::int4[],
                       %(boot_ids)s::uuid[], %(boot_starts)s::timestamptz[]
                   ) with ordinality
                as input (first_part, last_part, api_key_id, device_id, digest, first_at, last_at, count,
                          interval_seconds, boot_id, started_at, report)
        ),
        alive as (
            select input.report, input.last_part - input.first_part + 1 as parts, input.device_id, key.project_id,
                   generate_series(input.first_part, input.last_part) as position,
                   input.first_at + coalesce(boot.moved, interval '0') as first_at,
                   input.last_at + coalesce(boot.moved, interval '0') as last_at, input.count, input.interval_seconds
              from input
             cross join lateral (
                    select project_id
                      from api_keys
                     where api_keys.id = input.api_key_id
                       and (api_keys.device_id = input.device_id
                            or api_keys.reports_for_devices
                               and exists (
                                   select 1
                                     from devices
                                    where devices.id = input.device_id
                                      and devices.project_id = api_keys.project_id
                                      and devices.retired_at is null
                               ))
                       and (input.digest is null or api_keys.secret_digest = input.digest)
                       and (api_keys.expires_at is null or api_keys.expires_at > %(received_at)s::timestamptz)
                       and api_keys.project_id not in (select id from projects where deleted_at is not null)
                     limit 1
                   ) as key
              left join lateral (
                    select device_boots.started_at - input.started_at as moved, recorded_at
                      from device_boots
                     where device_boots.device_id = input.device_id
                       and device_boots.boot_id between input.boot_id and input.boot_id
                       and device_boots.api_key_id = input.api_key_id
                       and device_boots.source = 'boot_clock'
                       and device_boots.stretches is null
                       and device_boots.started_at between input.started_at - %(clock_lead)s::interval
                                                       and input.started_at + %(clock_lead)s::interval
                     order by device_boots.boot_id
                     limit 1
                   ) as boot
                on true
              left join lateral (
                    select boot_id
                      from device_boots
                     where device_boots.device_id = input.device_id
                       and device_boots.recorded_at >= boot.recorded_at
                       and device_boots.api_key_id = input.api_key_id
                       and device_boots.boot_id <> input.boot_id
                     order by recorded_at
                     limit 1
                   ) as later
                on true
             where input.boot_id is null
                or boot.moved is not null and later.boot_id is null
        ),
        told as (
            select report, parts, device_id, project_id, position, (%(components)s::text[])[position] as component,
                   (%(versions)s::text[])[position] as version, first_at, last_at, count, interval_seconds
              from alive
        ),
        known as (
            select told.position, told.report, told.parts, told.device_id, told.project_id, told.component,
                   told.version, told.count, told.interval_seconds,
                   coalesce(told.first_at, greatest(%(received_at)s::timestamptz, current.last_reported_at))
                       as first_at,
                   coalesce(told.last_at, greatest(%(received_at)s::timestamptz, current.last_reported_at))
                       as last_at,
                   told.first_at is null or told.first_at > current.last_reported_at as newer,
                   told.version = current.version as repeated,
                   current.period_id as known_period_id,
                   current.version as known_version,
                   current.first_reported_at as known_first,
                   current.last_reported_at as known_last,
                   current.report_count as known_count,
                   current.recorded_at as known_recorded_at,
                   current.tie_rank as known_tie_rank,
                   current.change_number as known_change_number,
                   current.heard_at as known_heard_at,
                   current.cadence,
                   least(extract(epoch from %(received_at)s::timestamptz - current.heard_at)::float8,
                         4 * current.cadence) as gap
              from told
             cross join lateral (
                    select version, period_id, first_reported_at, last_reported_at, report_count, recorded_at, tie_rank,
                           change_number, heard_at, cadence
                      from device_firmware
                     where device_firmware.device_id = told.device_id
                       and device_firmware.component = told.component
                       for update of device_firmware
                   ) as current
        ),
        placed as (
            select position, report, device_id, project_id, component, version, count, first_at, last_at, repeated,
                   known_period_id, known_version, known_first, known_last, known_count, known_recorded_at,
                   known_tie_rank, known_change_number, known_heard_at, cadence, gap, interval_seconds,
                   case when repeated then known_period_id else gen_random_uuid() end as period_id,
                   bool_and(newer and (repeated or version <> '')) over (partition by report)
                       and count(*) over (partition by report) = parts as newest,
                   repeated and first_at >= known_first and last_at <= known_last as inside
              from known
        ),
        extended as (
            insert into device_firmware (
                       device_id, component, project_id, version, last_reported_at,
                       period_id, first_reported_at, report_count, recorded_at, tie_rank, change_number, heard_at,
                       cadence, interval_seconds
                   )
            select device_id, component, project_id, version, greatest(last_at, known_last),
                   period_id,
                   case when repeated then known_first else first_at end,
                   case when not newest then known_count
                        when repeated then known_count + count
                        else count
                   end,
                   case when repeated then known_recorded_at else %(received_at)s::timestamptz end,
                   case when repeated then known_tie_rank
                        when first_at = known_first then known_tie_rank + 1
                        else 0
                   end,
                   case when repeated then known_change_number else known_change_number + 1 end,
                   greatest(%(received_at)s::timestamptz, known_heard_at),
                   case when gap <= 0 or gap is null then cadence
                        else coalesce(cadence + (gap - cadence) * (gap::float8 / (gap + 8 * cadence + 1)), gap)
                   end,
                   interval_seconds
              from placed
             where newest
                or inside
                on conflict (device_id, component) do update
               set version = excluded.version,
                   last_reported_at = excluded.last_reported_at,
                   period_id = excluded.period_id,
                   first_reported_at = excluded.first_reported_at,
                   report_count = excluded.report_count,
                   recorded_at = excluded.recorded_at,
                   tie_rank = excluded.tie_rank,
                   change_number = excluded.change_number,
                   heard_at = excluded.heard_at,
                   cadence = excluded.cadence,
                   interval_seconds = excluded.interval_seconds
        ),
        changed as (
            insert into device_versions (project_id, component, device_id, version, since)
            select project_id, component, device_id, version, first_at
              from placed
             where newest
               and not repeated
                on conflict (project_id, component, device_id) do update
               set version = excluded.version,
                   since = excluded.since
        ),
        fed as (
            insert into firmware_changes_new (
                       project_id, device_id, change_number, component, kind, version, previous_version,
                       first_reported_at, tie_rank, period_id, recorded_at
                   )
            select project_id, device_id, known_change_number + 1, component, 'opened', version,
                   nullif(known_version, ''), first_at,
                   case when first_at = known_first then known_tie_rank + 1 else 0 end, period_id,
                   %(received_at)s::timestamptz
              from placed
             where newest
               and not repeated
        ),
        closed as (
            insert into device_firmware_periods (
                       device_id, first_reported_at, component, period_id, project_id, version,
                       last_reported_at, superseded_at, report_count, recorded_at, tie_rank
                   )
            select device_id, known_first, component, known_period_id, project_id, known_version,
                   known_last, first_at, known_count, known_recorded_at, known_tie_rank
              from placed
             where newest
               and not repeated
        )
        select position, first_at,
               case when newest and repeated then 'extended'
                    when newest then 'opened'
                    when inside then 'known'
               end as outcome
          from placed
        """,
        columns,
    )
    found = {position: Stored(at, _OUTCOMES[outcome]) for position, at, outcome in rows if outcome is not None}
    stored: list[list[Stored]] = []
    first = 1
    for report in reports:
        end = first + len(report.record.versions)
        of_report = [found[position] for position in range(first, end) if position in found]
        stored.append(of_report if len(of_report) == end - first else [])
        first = end
    return stored


async def extend_period(link: Link, report: Report) -> list[Stored]:
    """Store a report of the version that its component's open period has, as `extend_histories` does.

    On an idle server reports come alone, and nearly all are of that kind: they do not pay for what decides for many.

    Returns:
        What became of its version; nothing where `extend_histories` has to decide, or it is not one device's one
        version.
    """
    (key_id, device_id, digest), received_at, (first, last, said, _, seconds), boot = report
    if boot is not None or last is not first or len(said) != 1:
        return []
    ((component, version),) = said
    rows = await link.run(
        """
        with known as (
            select last_reported_at, heard_at, cadence,
                   least(extract(epoch from %(received_at)s::timestamptz - heard_at)::float8, 4 * cadence) as gap
              from device_firmware
             where device_id = %(device_id)s::uuid
               and component = %(component)s::text
               and version = %(version)s::text
               and (%(at)s::text = '' or nullif(%(at)s::text, '')::timestamptz > last_reported_at)
               and exists (
                       select 1
                         from api_keys
                        where id = %(api_key_id)s::uuid
                          and device_id = %(device_id)s::uuid
                          and (%(digest)s::text = '' or secret_digest = decode(%(digest)s::text, 'hex'))
                          and (expires_at is null or expires_at > %(received_at)s::timestamptz)
                          and project_id not in (select id from projects where deleted_at is not null)
                   )
               for update of device_firmware
        )
        update device_firmware
           set last_reported_at = coalesce(nullif(%(at)s::text, '')::timestamptz,
                                           greatest(%(received_at)s::timestamptz, known.last_reported_at)),
               report_count = report_count + 1,
               heard_at = greatest(%(received_at)s::timestamptz, known.heard_at),
               cadence = case when gap <= 0 or gap is null then known.cadence
                              else coalesce(
                                       known.cadence
                                           + (gap - known.cadence) * (gap::float8 / (gap + 8 * known.cadence + 1)),
                                       gap
                                   )
                         end,
               interval_seconds = nullif(%(interval)s::text, '')::int4
          from known
         where device_id = %(device_id)s::uuid
           and component = %(component)s::text
        returning device_firmware.last_reported_at
        """,
        {
            "api_key_id": key_id.hex,
            "device_id": device_id.hex,
            "digest": "" if digest is None else digest.hex(),
            "component": component,
            "version": version,
            "at": "" if first.source is _SERVER else first.at.isoformat(),
            "interval": "" if seconds is None else str(seconds),
            "received_at": received_at.isoformat(),
        },
    )
    return [Stored(at, ReportOutcome.EXTENDED) for (at,) in rows]


class SendersKey(NamedTuple):
    """The project of a living key, and whether it came by enrollment and is used for the first time."""

    project_id: uuid.UUID
    is_unused: bool


async def get_key(conn: Connection, sender: Sender, now: dt.datetime) -> SendersKey:
    """Look up a living key of a device, or raise `SecretUnproved`. It tells the project, so it takes none."""
    cur = await conn.execute(
        """
        select api_keys.project_id, api_keys.is_unused
          from api_keys
          join projects
            on projects.id = api_keys.project_id
           and projects.deleted_at is null
         where api_keys.id = %(api_key_id)s
           and api_keys.device_id = %(device_id)s
           and (%(digest)s::bytea is null or api_keys.secret_digest = %(digest)s::bytea)
           and (api_keys.expires_at is null or api_keys.expires_at > %(now)s)
        """,
        {**sender._asdict(), "now": now},
    )
    if (row := await cur.fetchone()) is None:
        raise SecretUnproved
    return SendersKey(*row)


async def list_devices_of_gateway(
    conn: Connection, project_id: uuid.UUID, api_key_id: uuid.UUID, device_ids: Collection[uuid.UUID], now: dt.datetime
) -> set[uuid.UUID]:
    """Of devices, those that a gateway's living key may report for: of its project, and in service.

    Raises:
        Unauthenticated: the key is not alive, or no gateway's.
    """
    cur = await conn.execute(
        """
        select devices.id
          from api_keys
          join projects
            on projects.id = api_keys.project_id
           and projects.deleted_at is null
          left join devices
            on devices.project_id = api_keys.project_id
           and devices.retired_at is null
           and devices.id = any(%(device_ids)s)
         where api_keys.project_id = %(project_id)s
           and api_keys.id = %(api_key_id)s
           and api_keys.reports_for_devices
           and (api_keys.expires_at is null or api_keys.expires_at > %(now)s)
        """,
        {"project_id": project_id, "api_key_id": api_key_id, "device_ids": list(device_ids), "now": now},
    )
    if not (found := await cur.fetchall()):
        raise Unauthenticated
    return {row[0] for row in found if row[0] is not None}


def _columns(reports: Sequence[Report]) -> dict[str, str]:
    """Write reports as array literals, one a column: an element for each report, of the last two for each version."""
    first_parts: list[str] = []
    last_parts: list[str] = []
    keys: list[str] = []
    devices: list[str] = []
    digests: list[bytes | None] = []
    firsts: list[str] = []
    lasts: list[str] = []
    counts: list[str] = []
    intervals: list[str] = []
    boot_ids: list[str] = []
    boot_starts: list[str] = []
    components: list[str] = []
    versions: list[str] = []
    for sender, _, (first, last, said, _, seconds), boot in reports:
        first_parts.append(str(len(components) + 1))
        for component, version in said:
            components.append(component)
            versions.append(version)
        last_parts.append(str(len(components)))
        first_at = last_at = "null" if first.source is _SERVER else first.at.isoformat()
        count = "1"
        if last is not first and last.at != first.at:
            last_at, count = last.at.isoformat(), "2"
        boot_id, boot_start = (boot.boot_id.hex, boot.started_at.isoformat()) if boot else ("null", "null")
        keys.append(sender.api_key_id.hex)
        devices.append(sender.device_id.hex)
        digests.append(sender.digest)
        firsts.append(first_at)
        lasts.append(last_at)
        counts.append(count)
        intervals.append("null" if seconds is None else str(seconds))
        boot_ids.append(boot_id)
        boot_starts.append(boot_start)
    return {
        "first_parts": array(first_parts),
        "last_parts": array(last_parts),
        "api_key_ids": array(keys),
        "device_ids": array(devices),
        "digests": bytea_array(digests),
        "first_moments": array(firsts),
        "last_moments": array(lasts),
        "counts": array(counts),
        "intervals": array(intervals),
        "boot_ids": array(boot_ids),
        "boot_starts": array(boot_starts),
        "components": text_array(components),
        "versions": text_array(versions),
        "clock_lead": _CLOCK_LEAD,
        "received_at": max([report.received_at for report in reports]).isoformat(),
    }


_SERVER = ObservedAtSource.SERVER
_CLOCK_LEAD = f"{MAX_CLOCK_LEAD.total_seconds()} seconds"
_OUTCOMES: dict[str, ReportOutcome] = {outcome.value: outcome for outcome in ReportOutcome}
