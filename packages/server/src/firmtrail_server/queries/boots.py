"""Boots of devices: when they started, and with which key they send."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

import cattrs
import orjson

from firmtrail_contract import ObservedAtSource, ReportBatch
from firmtrail_server.db import Connection, Link, array, bytea_array
from firmtrail_server.errors import DeviceNotFound
from firmtrail_server.history.boots import Boot, Stretch
from firmtrail_server.history.clone_detection import RememberedBoot
from firmtrail_server.history.moment_sources import BootStart
from firmtrail_server.history.timeline import Sender
from firmtrail_server.history.told_boots import named_boots, numbered_boots

_SOURCES: dict[str, ObservedAtSource] = {source.value: source for source in ObservedAtSource}
_STRETCHES = cattrs.Converter(forbid_extra_keys=True)
_STRETCHES.register_structure_hook(dt.datetime, lambda text, _: dt.datetime.fromisoformat(text))
_STRETCHES.register_unstructure_hook(dt.datetime, dt.datetime.isoformat)


async def list_remembered(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, batch: ReportBatch, sent_after: dt.datetime
) -> list[RememberedBoot]:
    """Of the boots of a device: those that a batch names, and those that say when the boot that sends was.

    They are the boot that was heard of last beside it, those that were heard of since, those that have the number of a
    named one, and of those with a higher number than its own what was heard of first after the batch was sent.
    """
    cur = await conn.execute(
        """
        select boot_id, started_at, source, reported_until, boot_sequence, recorded_at, stretches, api_key_id
          from device_boots
         where project_id = %(project_id)s
           and device_id = %(device_id)s
           and (boot_id = any(%(named)s)
                or boot_sequence = any(%(sequences)s::int8[])
                or recorded_at >= least(
                       (select recorded_at
                          from device_boots
                         where project_id = %(project_id)s
                           and device_id = %(device_id)s
                           and boot_id = %(sending)s),
                       (select max(recorded_at)
                          from device_boots
                         where project_id = %(project_id)s
                           and device_id = %(device_id)s
                           and boot_id <> %(sending)s)
                   )
                or recorded_at = (
                       select min(recorded_at)
                         from device_boots
                        where project_id = %(project_id)s
                          and device_id = %(device_id)s
                          and boot_sequence > %(sequence)s
                          and recorded_at > %(sent_after)s
                   ))
        """,
        {
            "project_id": project_id,
            "device_id": device_id,
            "named": [*named_boots(batch)],
            "sequence": batch.sent.boot_sequence,
            "sequences": [*numbered_boots(batch)],
            "sending": batch.sent.boot_id,
            "sent_after": sent_after,
        },
    )
    return [_remembered(row) for row in await cur.fetchall()]


async def list_starts(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID) -> list[BootStart]:
    """When the boots of a device began, oldest first, without those that say the same of moments as the one before.

    Raises:
        DeviceNotFound: the project has no such device, which no statement of a history's own has to ask.
    """
    async with conn.cursor() as cur:
        await cur.execute(
            """
            select boots.started_at, boots.source, boots.stretches
              from devices
              left join (
                    select started_at, source, stretches,
                           lag(source) over (order by started_at, boot_id) as source_before
                      from device_boots
                     where project_id = %(project_id)s
                       and device_id = %(device_id)s
                   ) as boots
                on boots.source is distinct from boots.source_before
                or boots.stretches is not null
             where devices.project_id = %(project_id)s
               and devices.id = %(device_id)s
             order by boots.started_at
            """,
            {"project_id": project_id, "device_id": device_id},
        )
        if not (found := await cur.fetchall()):
            raise DeviceNotFound(device_id)
        return [
            BootStart(started_at, _SOURCES[source], _kept_stretches(stretches))
            for started_at, source, stretches in found
            if started_at is not None
        ]


class BootLookup(NamedTuple):
    """A batch, and whose it is."""

    sender: Sender
    received_at: dt.datetime
    batch: ReportBatch

    @property
    def keys(self) -> tuple[()]:
        """Any two may be looked up at once."""
        return ()


async def find_named(link: Link, lookups: Sequence[BootLookup]) -> list[list[RememberedBoot] | None]:
    """Look up, for each batch, the boots that it names, and newer ones that have sent with its key.

    A boot is asked for by a range and an order, or it would be looked for among all boots of its device.

    Returns:
        For each batch its boots; None where the key is not alive, or the secret not proved by its digest.
    """
    named = [(number, boot_id) for number, one in enumerate(lookups, start=1) for boot_id in named_boots(one.batch)]
    rows = await link.run(
        """
        with input as (
            select position, api_key_id, device_id, digest, sending_boot_id
              from unnest(%(api_key_ids)s::uuid[], %(device_ids)s::uuid[], %(digests)s::bytea[],
                          %(sending_boot_ids)s::uuid[]) with ordinality
                as input (api_key_id, device_id, digest, sending_boot_id, position)
        ),
        named as (
            select position, boot_id
              from unnest(%(positions)s::int8[], %(boot_ids)s::uuid[]) as named (position, boot_id)
        ),
        alive as (
            select input.position, input.device_id, input.api_key_id, input.sending_boot_id,
                   sending.recorded_at as sending_recorded_at
              from input
             cross join lateral (
                    select 1
                      from api_keys
                     where api_keys.id = input.api_key_id
                       and api_keys.device_id = input.device_id
                       and (input.digest is null or api_keys.secret_digest = input.digest)
                       and (api_keys.expires_at is null or api_keys.expires_at > %(received_at)s::timestamptz)
                       and api_keys.project_id not in (select id from projects where deleted_at is not null)
                     limit 1
                   ) as key
              left join lateral (
                    select recorded_at
                      from device_boots
                     where device_boots.device_id = input.device_id
                       and device_boots.boot_id between input.sending_boot_id and input.sending_boot_id
                     order by device_boots.boot_id
                     limit 1
                   ) as sending
                on true
        )
        select alive.position, found.boot_id, found.started_at, found.source, found.reported_until,
               found.boot_sequence, found.recorded_at, found.stretches, found.api_key_id
          from alive
          left join lateral (
                (select one.boot_id, one.started_at, one.source, one.reported_until, one.boot_sequence, one.recorded_at,
                        one.stretches, one.api_key_id
                   from named
                  cross join lateral (
                        select boot_id, started_at, source, reported_until, boot_sequence, recorded_at, stretches,
                               api_key_id
                          from device_boots
                         where device_boots.device_id = alive.device_id
                           and device_boots.boot_id between named.boot_id and named.boot_id
                         order by device_boots.boot_id
                         limit 1
                       ) as one
                  where named.position = alive.position)
                 union all
                (select boot_id, started_at, source, reported_until, boot_sequence, recorded_at, stretches, api_key_id
                   from device_boots
                  where device_boots.device_id = alive.device_id
                    and device_boots.recorded_at >= alive.sending_recorded_at
                    and device_boots.api_key_id = alive.api_key_id
                    and device_boots.boot_id <> alive.sending_boot_id
                  order by recorded_at
                  limit 1000)
               ) as found
            on true
        """,
        {
            "api_key_ids": array([one.sender.api_key_id.hex for one in lookups]),
            "device_ids": array([one.sender.device_id.hex for one in lookups]),
            "digests": bytea_array([one.sender.digest for one in lookups]),
            "sending_boot_ids": array([one.batch.sent.boot_id.hex for one in lookups]),
            "positions": array([str(number) for number, _ in named]),
            "boot_ids": array([boot_id.hex for _, boot_id in named]),
            "received_at": max([one.received_at for one in lookups]).isoformat(),
        },
    )
    found: dict[int, list[RememberedBoot]] = {}
    for position, *row in rows:
        boots = found.setdefault(position, [])
        if row[0] is not None:
            boots.append(_remembered(row))
    return [found.get(position) for position in range(1, len(lookups) + 1)]


def _remembered(row: Sequence[Any]) -> RememberedBoot:
    boot_id, started_at, source, reported_until, boot_sequence, recorded_at, stretches, api_key_id = row
    return RememberedBoot(
        boot_id=boot_id,
        started_at=started_at,
        source=_SOURCES[source],
        reported_until=reported_until,
        boot_sequence=boot_sequence,
        recorded_at=recorded_at,
        stretches=_kept_stretches(stretches),
        api_key_id=api_key_id,
    )


def _kept_stretches(stored: Any) -> tuple[Stretch, ...]:
    return _STRETCHES.structure(stored, tuple[Stretch, ...]) if stored else ()


def _stored_stretches(boot: Boot) -> str | None:
    return orjson.dumps(_STRETCHES.unstructure(boot.stretches)).decode() if boot.stretches else None


async def insert(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, boots: Sequence[Boot], now: dt.datetime
) -> int:
    """Store boots that are not remembered yet; return how many these were."""
    cur = await conn.execute(
        """
        insert into device_boots (
                   device_id, boot_id, project_id, started_at, source, reported_until, recorded_at, boot_sequence,
                   stretches
               )
        select %(device_id)s::uuid, boot_id, %(project_id)s::uuid, started_at, source, reported_until,
               %(now)s::timestamptz, boot_sequence, stretches::jsonb
          from unnest(
                   %(boot_ids)s::uuid[], %(starts)s::timestamptz[], %(sources)s::text[],
                   %(reported_until)s::timestamptz[], %(sequences)s::int8[], %(stretches)s::text[]
               ) as boots (boot_id, started_at, source, reported_until, boot_sequence, stretches)
         order by boot_id
            on conflict (device_id, boot_id) do nothing
        """,
        {
            "project_id": project_id,
            "device_id": device_id,
            "now": now,
            "boot_ids": [boot.boot_id for boot in boots],
            "starts": [boot.started_at for boot in boots],
            "sources": [boot.source.value for boot in boots],
            "reported_until": [boot.reported_until for boot in boots],
            "sequences": [boot.boot_sequence for boot in boots],
            "stretches": [_stored_stretches(boot) for boot in boots],
        },
    )
    return cur.rowcount


async def move(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, before: Boot, after: Boot) -> bool:
    """Store what was found anew of a boot, unless another batch has done so by now."""
    cur = await conn.execute(
        """
        update device_boots
           set started_at = %(started_at)s,
               source = %(source)s,
               reported_until = %(reported_until)s,
               boot_sequence = %(boot_sequence)s,
               stretches = %(stretches)s::jsonb
         where project_id = %(project_id)s
           and device_id = %(device_id)s
           and boot_id = %(boot_id)s
           and started_at = %(started_before)s
           and stretches is not distinct from %(stretches_before)s::jsonb
        """,
        {
            "project_id": project_id,
            "device_id": device_id,
            "boot_id": before.boot_id,
            "started_before": before.started_at,
            "stretches_before": _stored_stretches(before),
            "started_at": after.started_at,
            "source": after.source.value,
            "reported_until": after.reported_until,
            "boot_sequence": after.boot_sequence,
            "stretches": _stored_stretches(after),
        },
    )
    return cur.rowcount == 1


async def update_sender(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, boot_id: uuid.UUID, api_key_id: uuid.UUID
) -> None:
    """Note with which key a boot sends."""
    await conn.execute(
        """
        update device_boots
           set api_key_id = %(api_key_id)s
         where project_id = %(project_id)s
           and device_id = %(device_id)s
           and boot_id = %(boot_id)s
        """,
        {"project_id": project_id, "device_id": device_id, "boot_id": boot_id, "api_key_id": api_key_id},
    )
