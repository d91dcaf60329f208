"""Batches that devices report to the stand-in: what they observed since they started.

The stand-in answers what a device tells of the boot in which it sends. When earlier boots began is for a server to work
out: here there is no honest answer.
"""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail.testing.histories import KnownDevice
from firmtrail.testing.refusals import NotAnswered
from firmtrail.testing.request import Request
from firmtrail.testing.state import State
from firmtrail_contract import (
    BatchReceipt,
    ClockReading,
    ComponentReceipt,
    ObservationRecord,
    ObservedAtSource,
    ObservedMoment,
    RecordReceipt,
    ReportBatch,
    ReportOutcome,
)
from firmtrail_contract.version_periods import MAX_CLOCK_LEAD, Sighting, most, place_together


def report_firmware_batch(state: State, request: Request) -> BatchReceipt:
    device = state.device(request.ids["device_id"])
    batch = request.body(ReportBatch)
    _check(batch)
    received_at = state.now()
    started_at = _started_at(state, device.stored.id, batch.sent, received_at)
    receipts = [_receipt(device, record, started_at, received_at, batch.interval_seconds) for record in batch.records]
    return BatchReceipt(
        records=receipts, received_at=received_at, next_report_in_seconds=None, resync=not device.components
    )


def _check(batch: ReportBatch) -> None:
    """Raise `NotAnswered` for what takes the server's arithmetic of clocks, or is refused record by record."""
    if batch.agent is not None or batch.waiting:
        raise NotAnswered("a batch with agent or waiting")
    for record in batch.records:
        readings = [record.first_observed, record.last_observed or record.first_observed]
        if any(reading.boot_id != batch.sent.boot_id for reading in readings):
            raise NotAnswered("a batch that tells of an earlier boot")
        if record.dropped_before or any(one.gone for one in record.components):
            raise NotAnswered("a batch that tells of dropped records, or of components that are gone")
        ordered = [*readings, batch.sent]
        if sorted(ordered, key=lambda one: one.boot_time_ms) != ordered:
            raise NotAnswered("a batch whose readings are not in order")
        names = [one.component for one in record.components]
        if len({*names}) < len(names) or any((one.version is None) == (one.error is None) for one in record.components):
            raise NotAnswered("a batch with a record that a server refuses")


def _started_at(state: State, device_id: uuid.UUID, sent: ClockReading, received_at: dt.datetime) -> dt.datetime:
    """Find when the boot that sends began, the same for a repeated request."""
    fresh = received_at - _elapsed(sent)
    known = state.boots.get((device_id, sent.boot_id), fresh)
    start = known if abs(known - fresh) <= MAX_CLOCK_LEAD else fresh
    state.boots[device_id, sent.boot_id] = start
    return start


def _receipt(
    device: KnownDevice,
    record: ObservationRecord,
    started_at: dt.datetime,
    received_at: dt.datetime,
    interval_seconds: int | None,
) -> RecordReceipt:
    readings = (record.first_observed, record.last_observed or record.first_observed)
    first, last = (started_at + _elapsed(reading) for reading in readings)
    receipts: list[ComponentReceipt] = []
    for reading in record.components:
        outcome: ReportOutcome | None = None
        if reading.version is not None:
            component = device.hear(reading.component, received_at, interval_seconds)
            seen = [Sighting(reading.version, at, received_at) for at in dict.fromkeys([first, last])]
            (outcome,) = most(*([one] for one in place_together(component.periods, seen)))
        receipts.append(ComponentReceipt(component=reading.component, outcome=outcome))
    source = ObservedAtSource.BOOT_CLOCK
    return RecordReceipt(
        first_observed=ObservedMoment(at=first, source=source),
        last_observed=ObservedMoment(at=last, source=source),
        components=receipts,
    )


def _elapsed(reading: ClockReading) -> dt.timedelta:
    return dt.timedelta(milliseconds=reading.boot_time_ms)
