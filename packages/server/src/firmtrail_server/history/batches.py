"""What the records of a batch say: which of them cannot be stored, and what the others add to the history. No I/O.

When they were observed is a question for boot_clocks.py.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import islice

import attrs

from firmtrail_contract import (
    ClockReading,
    ComponentReading,
    FieldError,
    FieldLocation,
    HistoryGap,
    ObservationRecord,
    ReportBatch,
    ViolationCode,
)
from firmtrail_contract.firmware import component_limits, version_limits
from firmtrail_contract.reports import error_limits
from firmtrail_contract.version_periods import GONE
from firmtrail_server.history.boot_clocks import moments, order
from firmtrail_server.history.boots import Boot, SendingBoot
from firmtrail_server.history.timeline import Record
from firmtrail_server.history.wall_clocks import elapsed

#: of a record: an answer must not become many times as large as what was sent
MAX_RECORD_ERRORS = 8


def refusals(batch: ReportBatch) -> Mapping[int, list[FieldError]]:
    """Find the records that cannot be stored, by their place in the batch, and say why. The others can."""
    found: dict[int, list[FieldError]] = {}
    for index, record in enumerate(batch.records):
        if errors := [*islice(_wrong_fields(record, batch.sent), MAX_RECORD_ERRORS)]:
            found[index] = [attrs.evolve(error, pointer=f"/records/{index}{error.pointer}") for error in errors]
    return found


def without(records: Sequence[ObservationRecord], refused: Container[int]) -> list[ObservationRecord]:
    """Leave out the records that are refused; the next one says that they are missing."""
    kept, missing = list[ObservationRecord](), 0
    for index, record in enumerate(records):
        if index in refused:
            missing += 1 + record.dropped_before
            continue
        kept.append(attrs.evolve(record, dropped_before=record.dropped_before + missing) if missing else record)
        missing = 0
    return kept


def gaps(batch: ReportBatch, placed: Sequence[Record]) -> list[HistoryGap]:
    """Find where records are missing; `placed` is what `records` made of the batch."""
    return [
        HistoryGap(
            began_at=min(placed[index - 1].last.at, placed[index].first.at) if index else None,
            ended_at=placed[index].first.at,
            records=record.dropped_before,
        )
        for index, record in enumerate(batch.records)
        if record.dropped_before
    ]


def records(batch: ReportBatch, boots: Mapping[uuid.UUID, Boot]) -> list[Record]:
    """Say what each record tells of versions; what it tells of errors is no part of the history."""
    found = moments(batch, boots)
    return [
        Record(
            first=found[record.first_observed],
            last=found[record.last_observed or record.first_observed],
            versions=_versions(record),
            interval_seconds=batch.interval_seconds,
        )
        for record in batch.records
    ]


def by_sending_boot(batch: ReportBatch, received_at: dt.datetime) -> tuple[Record, SendingBoot] | None:
    """Place the record of a batch that tells of one boot alone, as nearly all do, as if nothing was known of that boot.

    None: it tells of more, or of less.
    """
    if len(batch.records) != 1 or batch.waiting:
        return None
    (record,) = batch.records
    first, last = record.first_observed, record.last_observed or record.first_observed
    boot = SendingBoot(batch.sent.boot_id, received_at - elapsed(batch.sent))
    versions = _versions(record)
    if record.dropped_before or not first.boot_id == last.boot_id == boot.boot_id or not versions:
        return None
    began = boot.moment(first)
    ended = began if last is first else boot.moment(last)
    return Record(began, ended, versions, interval_seconds=batch.interval_seconds), boot


def tells(reading: ComponentReading) -> bool:
    """Whether a reading tells what became of its component: an error alone does not."""
    return reading.gone or reading.version is not None


def _versions(record: ObservationRecord) -> list[tuple[str, str]]:
    return [(one.component, one.version or GONE) for one in record.components if tells(one)]


def _wrong_fields(record: ObservationRecord, sent: ClockReading) -> Iterator[FieldError]:
    first, last = record.first_observed, record.last_observed or record.first_observed
    if order(last) < order(first):
        yield _error("/last_observed", ViolationCode.OUT_OF_RANGE, "must not be before first_observed")
    elif last.boot_sequence == first.boot_sequence and last.boot_id != first.boot_id:
        yield _error("/last_observed", ViolationCode.OUT_OF_RANGE, "must have a higher boot_sequence in another boot")
    if order(last) > order(sent):
        yield _error("/last_observed", ViolationCode.OUT_OF_RANGE, "must not be after sent")
    names = set[str]()
    for index, reading in enumerate(record.components):
        for field, text, limits in (
            ("component", reading.component, component_limits),
            ("version", reading.version, version_limits),
            ("error", reading.error, error_limits),
        ):
            if text is not None and not limits.allows(text):
                wrong = limits.violation(text)
                yield _error(f"/components/{index}/{field}", wrong.code, wrong.detail)
        if (reading.version is None) == (reading.error is None):
            detail = "must hold a version or an error, and not both"
            yield _error(f"/components/{index}", ViolationCode.MALFORMED, detail)
        elif reading.gone and reading.version is not None:
            yield _error(f"/components/{index}/gone", ViolationCode.MALFORMED, "must not be true beside a version")
        if reading.component in names:
            detail = "must not be named twice in a record"
            yield _error(f"/components/{index}/component", ViolationCode.MALFORMED, detail)
        names.add(reading.component)


def _error(pointer: str, code: ViolationCode, detail: str) -> FieldError:
    return FieldError(location=FieldLocation.BODY, pointer=pointer, code=code, detail=detail)
