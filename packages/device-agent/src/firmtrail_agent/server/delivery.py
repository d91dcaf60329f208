"""How the spool gets to the server: in batches, oldest first, and around what the server refuses."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from firmtrail import ClockReading, FirmtrailError, ObservationRecord, to_json
from firmtrail_agent.server.failures import Failure, Trouble, failure_of
from firmtrail_agent.state.spool import Spool
from firmtrail_agent.system.clock import Clocks
from firmtrail_agent.validation.redact import one_line

if TYPE_CHECKING:
    from firmtrail import BatchReceipt, RecordReceipt

#: of one request: it must get through a slow network within its deadline
MAX_BATCH_RECORDS = 32
MAX_BATCH_BYTES = 32 * 1024
#: when the server rejects so many records in a row, each sent by itself, it is not about a record
MAX_REFUSED_IN_A_ROW = 5
_MAX_WAITING_READINGS = 32
#: the field of a component's reading that earlier servers do not know
GONE = "gone"


@attrs.define(kw_only=True)
class Delivery:
    """How far the spool got to the server."""

    #: why it did not get further; None: the spool is empty
    failure: Failure | None = None
    #: the last record that was sent, unless it was refused, and its receipt
    record: ObservationRecord | None = None
    receipt: RecordReceipt | None = None
    #: records that the server refused, in its words
    refused: list[str] = attrs.field(factory=list[str])
    next_report_in_seconds: int | None = None
    resync: bool = False
    #: what is said beside the records, by the names of the batch's fields
    beside: dict[str, Any] = attrs.field(factory=dict[str, Any])
    #: what the server does not understand of it
    not_understood: set[str] = attrs.field(factory=set[str])
    #: the server has taken the rest of it
    is_told: bool = False


async def deliver(  # noqa: PLR0913  all that a delivery goes by
    report: Callable[..., Awaitable[BatchReceipt]],
    device_id: uuid.UUID,
    spool: Spool,
    clocks: Clocks,
    beside: Mapping[str, Any] | None = None,
    *,
    not_understood: Collection[str] = (),
) -> Delivery:
    """Send all records of the spool. What the server refuses is put aside, and does not hold up the rest.

    `report`: sends a batch of a device's records, as `Client.firmware.report_batch` does.
    `beside`: what else is said, by the names of the batch's fields; a server that does not know one gets the rest.
    `not_understood`: the fields that this server does not know.
    An `agent` is news: it is sent once, also where there is no record.

    1. A batch that is rejected whole is halved until its bad record is alone. The next one is sent by itself too.
    2. When the server takes that one, the rejection was about the record before, which is put aside.
    3. After five consecutive rejections the agent assumes a server fault: a failure, and all records are kept.
    """
    delivery = Delivery(beside=dict(beside or {}), not_understood={*not_understood})
    most, kept = MAX_BATCH_RECORDS, list[Failure]()
    while len(kept) < MAX_REFUSED_IN_A_ROW:
        batch = _first_of(spool.records[len(kept) :], most)
        if not batch and (kept or "agent" not in delivery.beside):
            break
        waiting = ends_of_boots(spool.records[len(kept) + len(batch) :])
        try:
            sent, answer = await _report(partial(report, device_id), batch, waiting, clocks, delivery)
        except FirmtrailError as error:
            failure = failure_of(error)
            if failure.trouble is not Trouble.REJECTED or not batch:
                delivery.failure = failure
                return delivery
            most = len(batch) // 2 or 1
            if len(batch) == 1:
                kept.append(failure)
            continue
        if len(answer.records) != len(batch):
            delivery.failure = Failure(trouble=Trouble.TEMPORARY, message="The answer is not about these records.")
            return delivery
        clocks.compare(answer.received_at, sent)
        delivery.is_told = True
        delivery.beside.pop("agent", None)
        most = MAX_BATCH_RECORDS if kept else most
        for failure in kept:
            _put_aside(spool, 0, failure.message, delivery)
        kept.clear()
        _settle(spool, batch, answer.records, delivery)
        delivery.next_report_in_seconds, delivery.resync = answer.next_report_in_seconds, answer.resync
    if kept and len(kept) < MAX_REFUSED_IN_A_ROW:
        delivery.failure = kept[-1]
    elif kept:
        message = f"the server takes no record, all are kept: {kept[-1].message}"
        delivery.failure = attrs.evolve(kept[-1], message=one_line(message))
    return delivery


async def _report(
    report: Callable[..., Awaitable[BatchReceipt]],
    batch: Sequence[ObservationRecord],
    waiting: Sequence[ClockReading],
    clocks: Clocks,
    delivery: Delivery,
) -> tuple[ClockReading, BatchReceipt]:
    """Send a batch, and what is said beside it as far as the server understands it. Return when it was sent too."""
    while True:
        sent = clocks.read()
        try:
            return sent, await report(_understood(batch, delivery), sent=sent, waiting=waiting, **delivery.beside)
        except FirmtrailError as error:
            unknown = (_fields_of(error) & {*delivery.beside, GONE}) - delivery.not_understood
            if not unknown:
                raise
            delivery.not_understood |= unknown
            for name in unknown:
                delivery.beside.pop(name, None)


def _understood(batch: Sequence[ObservationRecord], delivery: Delivery) -> Sequence[ObservationRecord]:
    """Say of what is gone only that there is no version, and why, where the server does not understand more."""
    if GONE not in delivery.not_understood:
        return batch
    return [
        attrs.evolve(record, components=[attrs.evolve(one, gone=False) for one in record.components])
        for record in batch
    ]


def _fields_of(error: FirmtrailError) -> set[str]:
    """Name the fields of a batch that are refused, those within it too."""
    pointers = [one.pointer.split("/") for one in getattr(error, "errors", ()) if one.pointer.startswith("/")]
    return {name for steps in pointers for name in (steps[1], steps[-1])}


def _first_of(records: Sequence[ObservationRecord], most: int) -> list[ObservationRecord]:
    batch, size = list[ObservationRecord](), 0
    for record in records[:most]:
        size += len(to_json(record))
        if batch and size > MAX_BATCH_BYTES:
            break
        batch.append(record)
    return batch


def ends_of_boots(records: Sequence[ObservationRecord]) -> list[ClockReading]:
    """Give the first reading of each boot and the last: what the server needs to place records before it sees them."""
    by_boot: dict[uuid.UUID, list[ClockReading]] = {}
    for record in records:
        for reading in (record.first_observed, record.last_observed or record.first_observed):
            by_boot.setdefault(reading.boot_id, []).append(reading)
    ends = dict.fromkeys(reading for readings in by_boot.values() for reading in (readings[0], readings[-1]))
    return [*ends][:_MAX_WAITING_READINGS]


def _settle(
    spool: Spool, batch: Sequence[ObservationRecord], receipts: Sequence[RecordReceipt], delivery: Delivery
) -> None:
    refused = [index for index, receipt in enumerate(receipts) if receipt.problem]
    for index in reversed(refused):
        words = "; ".join(f"{error.pointer} {error.detail}" for error in receipts[index].errors)
        _put_aside(spool, index, one_line(f"{receipts[index].problem}: {words}"), delivery)
    spool.acknowledge(len(receipts) - len(refused))
    if receipts and not receipts[-1].problem:
        delivery.record, delivery.receipt = batch[-1], receipts[-1]


def _put_aside(spool: Spool, index: int, words: str, delivery: Delivery) -> None:
    spool.quarantine(index)
    delivery.refused.append(words)
    delivery.record = delivery.receipt = None
