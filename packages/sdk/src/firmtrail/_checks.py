"""What a call may carry, checked against the contract before anything is sent."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

from cattrs import BaseValidationError

from firmtrail.errors import InvalidRequestError
from firmtrail_contract import (
    FieldError,
    FieldLocation,
    FirmwareReport,
    PageQuery,
    ViolationCode,
    field_errors,
    format_moment,
    strict_converter,
)

T = TypeVar("T")

_converter = strict_converter()


def firmware_path(device_id: uuid.UUID | str) -> str:
    """Build the path of a device's firmware version."""
    try:
        checked = uuid.UUID(str(device_id))
    except ValueError:
        checked = None
    if checked is None:
        raise _refused(FieldLocation.PATH, "/device_id", ViolationCode.MALFORMED, "must be a UUID")
    return f"/v1/devices/{checked}/firmware_version"


def firmware_report(version: str, component: str, observed_at: dt.datetime | None) -> FirmwareReport:
    """Build a report, of this moment if none is given."""
    values = {
        "version": version,
        "component": component,
        "observed_at": _moment(dt.datetime.now(dt.UTC) if observed_at is None else observed_at),
    }
    return _checked(values, FirmwareReport, FieldLocation.BODY)


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
