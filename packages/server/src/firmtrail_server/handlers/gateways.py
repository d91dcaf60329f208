"""Report what devices run, as their gateway."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import attrs

from firmtrail_contract import (
    DeviceReport,
    DeviceReportReceipt,
    DeviceReportReceipts,
    DeviceReports,
    FieldError,
    FieldLocation,
    FirmwareReport,
    Violation,
    ViolationCode,
)
from firmtrail_contract.devices import device_name_limits
from firmtrail_server.db import Transaction
from firmtrail_server.errors import DeviceNotFound, DeviceRetired, DomainError, InvalidRequest
from firmtrail_server.handlers.history import receipt_of, record_of
from firmtrail_server.history.timeline import Record
from firmtrail_server.http.context import Context
from firmtrail_server.ingest import Gateway, Outcome
from firmtrail_server.queries import devices
from firmtrail_server.queries.devices import DeviceInService


class _Taken(NamedTuple):
    """A report that nothing is wrong with."""

    device_id: uuid.UUID
    report: FirmwareReport
    record: Record


async def report_firmware_for_devices(ctx: Context, project_id: uuid.UUID, body: DeviceReports) -> DeviceReportReceipts:
    """Idempotent: a retry changes nothing, as with single reports.

    Each report has its own result, in the same place; one that is refused does not keep the others from being stored.
    It takes an API key of the project that was made with `reports_for_devices`.
    """
    received_at = ctx.now()
    known = await _find(ctx, project_id, body)
    read = [_read(report, known, received_at) for report in body.reports]
    taken = [one for one in read if isinstance(one, _Taken)]
    assert ctx.principal.api_key_id is not None
    gateway = Gateway(project_id, ctx.principal.api_key_id)
    said = [(one.device_id, one.record) for one in taken]
    outcomes = iter(await ctx.services.ingest.submit_for_devices(gateway, received_at, said))
    receipts = [
        _receipt(one, next(outcomes)) if isinstance(one, _Taken) else _refusal(one, f"/reports/{index}")
        for index, one in enumerate(read)
    ]
    return DeviceReportReceipts(reports=receipts, received_at=received_at)


#: by their ids, and by their names
_Known = Mapping[uuid.UUID | str, DeviceInService]


async def _find(ctx: Context, project_id: uuid.UUID, body: DeviceReports) -> _Known:
    ids = {report.device_id for report in body.reports if report.device_id is not None}
    names = {
        report.device_name for report in body.reports if report.device_name and not _wrong_name(report.device_name)
    }
    found = await ctx.db.run(Transaction.READ, devices.list_named, project_id, ids, names)
    return {one.id: one for one in found} | {one.name: one for one in found}


def _read(report: DeviceReport, known: _Known, received_at: dt.datetime) -> _Taken | DomainError:
    """Find out what a report says of which device, or what is wrong with it."""
    if errors := [*_wrong_fields(report)]:
        return InvalidRequest(errors)
    named = report.device_id or report.device_name
    assert named is not None
    if (device := known.get(named)) is None:
        return DeviceNotFound(named)
    if device.is_retired:
        return DeviceRetired(device.id)
    one = FirmwareReport(**{field.name: getattr(report, field.name) for field in attrs.fields(FirmwareReport)})
    try:
        return _Taken(device.id, one, record_of(one, received_at))
    except DomainError as error:
        return error


def _receipt(taken: _Taken, outcome: Outcome | None) -> DeviceReportReceipt:
    if outcome is None:  # the device was retired or deleted at this very moment
        return _refusal(DeviceNotFound(taken.device_id), "")
    return DeviceReportReceipt(device_id=taken.device_id, receipt=receipt_of(taken.report, outcome))


def _refusal(error: DomainError, place: str) -> DeviceReportReceipt:
    fields = error.errors if isinstance(error, InvalidRequest) else []
    errors = [attrs.evolve(field, pointer=place + field.pointer) for field in fields]
    return DeviceReportReceipt(problem=error.code, detail=str(error), errors=errors)


def _wrong_fields(report: DeviceReport) -> Iterator[FieldError]:
    """Hold a report to the limits of a single one, and to one device."""
    if (report.device_id is None) == (report.device_name is None):
        yield _error("", Violation(ViolationCode.MALFORMED, "must name its device by device_id or by device_name"))
    elif report.device_name is not None and (violation := _wrong_name(report.device_name)):
        yield _error("/device_name", violation)
    for field in attrs.fields(FirmwareReport):
        try:
            if field.validator is not None:
                field.validator(report, field, getattr(report, field.name))
        except Violation as violation:
            yield _error(f"/{field.name}", violation)


def _wrong_name(name: str) -> Violation | None:
    try:
        device_name_limits.check(name)
    except Violation as violation:
        return violation
    return None


def _error(pointer: str, violation: Violation) -> FieldError:
    return FieldError(location=FieldLocation.BODY, pointer=pointer, code=violation.code, detail=violation.detail)
