"""Report what a device observed, now or while it was offline."""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence

import attrs

from firmtrail_contract import (
    AuditAction,
    BatchReceipt,
    ClockReading,
    ComponentReceipt,
    FieldError,
    FirmwareReceipt,
    ObservationRecord,
    ObservedMoment,
    ProblemCode,
    RecordReceipt,
    ReportBatch,
    ReportOutcome,
)
from firmtrail_server import batches, boot_clocks, machines
from firmtrail_server.boot_clocks import Boot
from firmtrail_server.db import Connection
from firmtrail_server.errors import Unauthenticated
from firmtrail_server.http.context import Context
from firmtrail_server.machines import RememberedBoot
from firmtrail_server.meaning import Observation, Report
from firmtrail_server.queries import api_keys, boots, devices
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.queries.firmware import last_reported_at

logger = logging.getLogger(__name__)

#: from least to most
_OUTCOMES = [ReportOutcome.KNOWN, ReportOutcome.EXTENDED, ReportOutcome.OPENED]


async def report_firmware_batch(ctx: Context, device_id: uuid.UUID, body: ReportBatch) -> BatchReceipt:
    """Report records of what this device observed, oldest first. Idempotent: a retry changes nothing.

    Each record has its own result; one that is refused does not keep the others from being stored. The moments of
    observations are worked out from the device's clocks, without trusting any that was not synced.
    """
    received_at = ctx.now()
    refused = batches.refusals(body)
    good = attrs.evolve(body, records=[one for index, one in enumerate(body.records) if index not in refused])
    boots_found = await ctx.db.retried(lambda conn: _boots(conn, ctx, device_id, good, received_at))
    moments = boot_clocks.moments(good, boots_found)
    receipts = [
        _refusal(refused[index]) if index in refused else await _store(ctx, device_id, record, moments, received_at)
        for index, record in enumerate(body.records)
    ]
    return BatchReceipt(
        records=receipts,
        received_at=received_at,
        next_report_in_seconds=ctx.services.settings.report_interval_seconds,
        resync=not _has_version(good.records) and await ctx.db.retried(lambda conn: _is_unknown(conn, ctx, device_id)),
    )


async def _boots(
    conn: Connection, ctx: Context, device_id: uuid.UUID, batch: ReportBatch, received_at: dt.datetime
) -> Mapping[uuid.UUID, Boot]:
    """Find the boots that the batch names, and remember those that are new: a retry must find the same."""
    project_id = ctx.principal.project_id
    if not await api_keys.is_alive(conn, project_id, ctx.principal.actor_id, received_at):
        raise Unauthenticated  # here, for a batch of errors alone stores no report
    known = {boot.boot_id: boot for boot in await boots.list_remembered(conn, project_id, device_id)}
    await _flag_two_machines(conn, ctx, device_id, batch.sent, known.values())
    found: Mapping[uuid.UUID, Boot] = known
    if not boot_clocks.are_known(batch, received_at, known):
        reported_until = await last_reported_at(conn, project_id, device_id)
        found = {boot.boot_id: boot for boot in boot_clocks.find_boots(batch, received_at, known, reported_until)}
        if new := [boot for boot in found.values() if boot != known.get(boot.boot_id)]:
            await boots.remember(conn, project_id, device_id, new, received_at)
            await boots.forget_oldest(conn, project_id, device_id)
    sending = known.get(batch.sent.boot_id)
    if sending is None or sending.api_key_id != ctx.principal.actor_id:
        await boots.update_sender(conn, project_id, device_id, batch.sent.boot_id, ctx.principal.actor_id)
    return found


async def _flag_two_machines(
    conn: Connection, ctx: Context, device_id: uuid.UUID, sent: ClockReading, known: Iterable[RememberedBoot]
) -> None:
    other = machines.other_machine(sent, ctx.principal.actor_id, known)
    if other is None:
        return
    name = await devices.flag_two_machines(conn, ctx.principal.project_id, device_id, ctx.now())
    if name is not None:
        details = {"boot_id": str(sent.boot_id), "other_boot_id": str(other.boot_id)}
        await ctx.record(conn, Change(AuditAction.DEVICE_FOUND_ON_TWO_MACHINES, device_id, name, details))


async def _store(
    ctx: Context,
    device_id: uuid.UUID,
    record: ObservationRecord,
    moments: Mapping[ClockReading, ObservedMoment],
    received_at: dt.datetime,
) -> RecordReceipt:
    if record.dropped_before:
        logger.warning("device %s had no room for %d records", device_id, record.dropped_before)
    first, last = moments[record.first_observed], moments[record.last_observed or record.first_observed]
    outcomes: dict[str, ReportOutcome] = {}
    for moment in dict.fromkeys([first, last]):
        for receipt in await _record(ctx, batches.observations(device_id, record, moment, received_at)):
            before = outcomes.get(receipt.component, ReportOutcome.KNOWN)
            outcomes[receipt.component] = max(before, receipt.outcome, key=_OUTCOMES.index)
    components = [
        ComponentReceipt(component=reading.component, outcome=outcomes.get(reading.component))
        for reading in record.components
    ]
    return RecordReceipt(first_observed=first, last_observed=last, components=components)


async def _record(ctx: Context, observations: Sequence[Observation]) -> Sequence[FirmwareReceipt]:
    if not observations:
        return []
    caller = ctx.principal
    report = Report(api_key_id=caller.actor_id, project_id=caller.project_id, observations=observations)
    return await ctx.recorder.record(report)


def _refusal(errors: list[FieldError]) -> RecordReceipt:
    return RecordReceipt(problem=ProblemCode.INVALID_REQUEST, errors=errors)


def _has_version(records: Sequence[ObservationRecord]) -> bool:
    return any(reading.version is not None for record in records for reading in record.components)


async def _is_unknown(conn: Connection, ctx: Context, device_id: uuid.UUID) -> bool:
    return await last_reported_at(conn, ctx.principal.project_id, device_id) is None
