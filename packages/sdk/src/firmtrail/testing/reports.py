"""What devices and gateways report to the stand-in, and what becomes of it: by the server's own rules."""

from __future__ import annotations

import uuid

import attrs

from firmtrail.testing.histories import KnownDevice
from firmtrail.testing.refusals import NotAnswered, Refused, invalid, invalid_field, no_device, retired
from firmtrail.testing.request import Created, Request, structured
from firmtrail.testing.state import State
from firmtrail_contract import (
    DeviceReport,
    DeviceReportReceipt,
    DeviceReportReceipts,
    DeviceReports,
    FieldError,
    FieldLocation,
    FirmwareReceipt,
    FirmwareReport,
    ObservedAtSource,
    ObservedMoment,
    ReportOutcome,
    Violation,
    ViolationCode,
    lenient_converter,
)
from firmtrail_contract.devices import device_name_limits
from firmtrail_contract.version_periods import MAX_LATENESS, Sighting, moment, place_together

_plain = lenient_converter().unstructure


def report_firmware_version(state: State, request: Request) -> Created | FirmwareReceipt:
    device = state.device(request.ids["device_id"])
    receipt = stored(state, device, request.body(FirmwareReport))
    return Created(receipt) if receipt.outcome is ReportOutcome.OPENED else receipt


def stored(state: State, device: KnownDevice, report: FirmwareReport) -> FirmwareReceipt:
    """Put a report into the history of a device.

    Raises:
        Refused: it is `strict`, and its moment cannot be right.
        NotAnswered: it is so old that a server goes by all that the device has said before.
    """
    received_at = state.now()
    at = moment(report, received_at)
    if report.strict and at.source is ObservedAtSource.SERVER:
        raise invalid_field("observed_at", "must be given where strict is true, from 2000 on and not in the future")
    if not report.strict and at.at < received_at - MAX_LATENESS:
        raise NotAnswered(f"a report of {at.at:%Y-%m-%d}, more than 18 months old, without strict=True")
    component = device.hear(report.component, received_at, report.interval_seconds)
    if at.source is ObservedAtSource.SERVER and component.periods:
        at = ObservedMoment(at=max(at.at, component.periods[-1].last_reported_at), source=at.source)
    (outcome,) = place_together(component.periods, [Sighting(report.version, at.at, received_at)])
    return FirmwareReceipt(
        component=report.component,
        version=report.version,
        observed_at=at.at,
        observed_at_source=at.source,
        outcome=outcome,
    )


def report_firmware_for_devices(state: State, request: Request) -> DeviceReportReceipts:
    body = request.body(DeviceReports)
    receipts = [_receipt(state, report, f"/reports/{index}") for index, report in enumerate(body.reports)]
    return DeviceReportReceipts(reports=receipts, received_at=state.now())


def _receipt(state: State, report: DeviceReport, place: str) -> DeviceReportReceipt:
    try:
        device = _named(state, report)
        values = {name: value for name, value in _plain(report).items() if name not in {"device_id", "device_name"}}
        one = structured(values, FirmwareReport, FieldLocation.BODY)
        return DeviceReportReceipt(device_id=device.stored.id, receipt=stored(state, device, one))
    except Refused as refused:
        errors = [attrs.evolve(error, pointer=place + error.pointer) for error in refused.errors]
        return DeviceReportReceipt(problem=refused.code, detail=refused.detail, errors=errors)


def _named(state: State, report: DeviceReport) -> KnownDevice:
    """Find the device of a report, by its id or by its name."""
    named = report.device_id or report.device_name
    if named is None or (report.device_id is not None and report.device_name is not None):
        raise _not_named("", Violation(ViolationCode.MALFORMED, "must name its device by device_id or by device_name"))
    if isinstance(named, str):
        try:
            device_name_limits.check(named)
        except Violation as violation:
            raise _not_named("/device_name", violation) from None
    device = _known(state, named)
    if device.stored.retired_at is not None:
        raise retired(device.stored.id)
    return device


def _known(state: State, named: uuid.UUID | str) -> KnownDevice:
    for device in state.devices.values():
        if named in {device.stored.id, device.stored.name}:
            return device
    raise no_device(named)


def _not_named(pointer: str, violation: Violation) -> Refused:
    location = FieldLocation.BODY
    return invalid([FieldError(location=location, pointer=pointer, code=violation.code, detail=violation.detail)])
