"""Report what a device observed, now or while it was offline."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence

import attrs

from firmtrail_contract import (
    BatchReceipt,
    ComponentReceipt,
    FieldError,
    ObservationRecord,
    ProblemCode,
    RecordReceipt,
    ReportBatch,
)
from firmtrail_server.db import Transaction
from firmtrail_server.history import batches
from firmtrail_server.http.context import ReportContext
from firmtrail_server.ingest import Outcome, Submission
from firmtrail_server.queries import history
from firmtrail_server.services import device_agents

logger = logging.getLogger(__name__)


async def report_firmware_batch(ctx: ReportContext, device_id: uuid.UUID, body: ReportBatch) -> BatchReceipt:
    """Idempotent: a retry changes nothing. One exception: since its first delivery a late report has split a version
    period, and a moment within that, which was not kept, is told again.

    Each record has its own result; one that is refused does not keep the others from being stored. The moments of
    observations are worked out from the device's clocks, without trusting any that was not synced.
    """
    received_at = ctx.now()
    refused = batches.refusals(body)
    good = attrs.evolve(body, records=batches.without(body.records, refused)) if refused else body
    outcomes = iter(await ctx.services.ingest.submit(Submission(ctx.sender, received_at, good, ctx.actor)))
    if body.agent is not None:
        await ctx.db.run(Transaction.INGEST, device_agents.keep, ctx.sender, body, received_at)
    receipts = [
        _refusal(refused[index]) if index in refused else _receipt(device_id, record, next(outcomes))
        for index, record in enumerate(body.records)
    ]
    return BatchReceipt(
        records=receipts,
        received_at=received_at,
        next_report_in_seconds=ctx.services.settings.report_interval_seconds,
        resync=not _has_version(good.records) and not await _is_known(ctx, device_id),
    )


def _receipt(device_id: uuid.UUID, record: ObservationRecord, outcome: Outcome) -> RecordReceipt:
    if record.dropped_before:
        logger.warning("device %s lost %d records: no room, damaged or refused", device_id, record.dropped_before)
    versions = iter(outcome.versions)
    components = [
        ComponentReceipt(component=reading.component, outcome=next(versions) if batches.tells(reading) else None)
        for reading in record.components
    ]
    return RecordReceipt(first_observed=outcome.first, last_observed=outcome.last, components=components)


def _refusal(errors: list[FieldError]) -> RecordReceipt:
    return RecordReceipt(problem=ProblemCode.INVALID_REQUEST, errors=errors)


def _has_version(records: Sequence[ObservationRecord]) -> bool:
    return any(batches.tells(reading) for record in records for reading in record.components)


async def _is_known(ctx: ReportContext, device_id: uuid.UUID) -> bool:
    return await ctx.db.run(Transaction.READ, history.has_reported, device_id)
