"""What a call may carry, checked against the contract before anything is sent."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from cattrs import BaseValidationError

from firmtrail.errors import InvalidRequestError
from firmtrail_contract import (
    ClockReading,
    DeviceKeyRotation,
    Enrollment,
    FieldError,
    FieldLocation,
    FirmwareReport,
    ObservationRecord,
    PageQuery,
    ReportBatch,
    Violation,
    ViolationCode,
    field_errors,
    format_moment,
    strict_converter,
)

T = TypeVar("T")

_converter = strict_converter()


def firmware_path(device_id: uuid.UUID | str) -> str:
    """Build the path of a device's firmware version."""
    return f"{_device_path(device_id)}/firmware_version"


def reports_path(device_id: uuid.UUID | str) -> str:
    """Build the path of a device's batches of reports."""
    return f"{_device_path(device_id)}/firmware_reports"


def api_key_path(device_id: uuid.UUID | str, api_key_id: uuid.UUID | str) -> str:
    """Build the path of a device's API key."""
    return f"{_device_path(device_id)}/api_keys/{_uuid(api_key_id, '/api_key_id')}"


def enrollment(name: str, hardware_fingerprint: str) -> Enrollment:
    """Build what a device says of itself."""
    values = {"name": name, "hardware_fingerprint": hardware_fingerprint}
    return _checked(values, Enrollment, FieldLocation.BODY)


def key_rotation(overlap_seconds: int | None) -> DeviceKeyRotation:
    """Build how a key is replaced."""
    return _checked({"overlap_seconds": overlap_seconds}, DeviceKeyRotation, FieldLocation.BODY)


def firmware_report(version: str, component: str, observed_at: dt.datetime | None) -> FirmwareReport:
    """Build a report, of this moment if none is given."""
    values = {
        "version": version,
        "component": component,
        "observed_at": _moment(dt.datetime.now(dt.UTC) if observed_at is None else observed_at),
    }
    return _checked(values, FirmwareReport, FieldLocation.BODY)


def report_batch(records: Sequence[ObservationRecord], sent: ClockReading) -> ReportBatch:
    """Build a batch of reports."""
    readings = {"/sent": sent}
    for index, record in enumerate(records):
        readings[f"/records/{index}/first_observed"] = record.first_observed
        readings[f"/records/{index}/last_observed"] = record.last_observed or record.first_observed
    for place, reading in readings.items():
        if reading.wall_time is not None and reading.wall_time.utcoffset() is None:
            detail = "must be an aware datetime, such as datetime.now(timezone.utc)"
            raise _refused(FieldLocation.BODY, f"{place}/wall_time", ViolationCode.MALFORMED, detail)
    try:
        return ReportBatch(sent=sent, records=list(records))
    except Violation as violation:
        code, detail = violation.code, violation.detail
    raise _refused(FieldLocation.BODY, "/records", code, detail)


def page_query(page_size: int | None, page_token: str | None) -> PageQuery:
    """Build the query of a list's first page."""
    given = {"page_size": page_size, "page_token": page_token}
    values = {name: value for name, value in given.items() if value is not None}
    return _checked(values, PageQuery, FieldLocation.QUERY)


def item_limit(limit: int | None) -> int | None:
    """Check how many items of a list are wanted."""
    if limit is not None and limit < 0:
        raise _refused(FieldLocation.QUERY, "/limit", ViolationCode.OUT_OF_RANGE, "must be 0 or more")
    return limit


def _device_path(device_id: uuid.UUID | str) -> str:
    return f"/v1/devices/{_uuid(device_id, '/device_id')}"


def _uuid(value: uuid.UUID | str, pointer: str) -> uuid.UUID:
    try:
        checked = uuid.UUID(str(value))
    except ValueError:
        checked = None
    if checked is None:
        raise _refused(FieldLocation.PATH, pointer, ViolationCode.MALFORMED, "must be a UUID")
    return checked


def _moment(observed_at: Any) -> str:
    if not isinstance(observed_at, dt.datetime) or observed_at.utcoffset() is None:
        detail = "must be an aware datetime, such as datetime.now(timezone.utc)"
        raise _refused(FieldLocation.BODY, "/observed_at", ViolationCode.MALFORMED, detail)
    try:
        return format_moment(observed_at)
    except OverflowError:
        detail = "must lie in the years 1 to 9999 in UTC"
    raise _refused(FieldLocation.BODY, "/observed_at", ViolationCode.OUT_OF_RANGE, detail)


def _checked(values: Mapping[str, Any], model: type[T], location: FieldLocation) -> T:
    try:
        return _converter.structure(values, model)
    except BaseValidationError as error:
        errors = field_errors(error, location)
    raise InvalidRequestError.before_sending(errors)


def _refused(location: FieldLocation, pointer: str, code: ViolationCode, detail: str) -> InvalidRequestError:
    return InvalidRequestError.before_sending(
        [FieldError(location=location, pointer=pointer, code=code, detail=detail)]
    )
