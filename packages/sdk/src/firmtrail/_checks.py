"""What a call may carry, checked against the contract before anything is sent."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar, cast

from cattrs import BaseValidationError

from firmtrail._calls import CURRENT_PROJECT
from firmtrail.errors import ConfigError, InvalidRequestError
from firmtrail_contract import (
    MAX_RECORDS,
    ClockReading,
    FieldError,
    FieldLocation,
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
#: labels that devices must have; None: with any value
LabelFilter = Mapping[str, str | None]

_converter = strict_converter()
_MEDIA_TYPES = {"csv": "text/csv", "ndjson": "application/x-ndjson"}


def path(template: str, *, project_id: uuid.UUID | str | None = None, **ids: uuid.UUID | str) -> str:
    """Put ids into a path of the API; no project is that of the API key, which the server knows."""
    project = CURRENT_PROJECT.rpartition("/")[2] if project_id is None else _uuid(project_id, "/project_id")
    return template.format(project_id=project, **{name: _uuid(value, f"/{name}") for name, value in ids.items()})


def project_of_client(project: uuid.UUID | str | None) -> uuid.UUID | None:
    """Check which project a client is for."""
    try:
        return None if project is None else uuid.UUID(str(project))
    except ValueError:
        raise ConfigError("project must be the id of a project, a UUID: see client.projects.list().") from None


def body(model: type[T], /, **values: Any) -> T:
    """Build what a call says; what is None is left out."""
    return _checked(_plain(values, FieldLocation.BODY), model, FieldLocation.BODY)


def filters(model: type[Any], /, **values: Any) -> dict[str, str | int]:
    """Build which items a list shall have; what is None is left out."""
    plain = {name: one for name, one in _plain(values, FieldLocation.QUERY).items() if one is not None}
    _checked(plain, model, FieldLocation.QUERY)
    return {name: ("true" if value else "false") if isinstance(value, bool) else value for name, value in plain.items()}


def report_batch(
    records: Sequence[ObservationRecord],
    sent: ClockReading,
    waiting: Sequence[ClockReading],
    interval_seconds: int | None,
) -> ReportBatch:
    """Build a batch of reports."""
    readings = {"/sent": sent} | {f"/waiting/{index}": reading for index, reading in enumerate(waiting)}
    for index, record in enumerate(records):
        readings[f"/records/{index}/first_observed"] = record.first_observed
        readings[f"/records/{index}/last_observed"] = record.last_observed or record.first_observed
    for place, reading in readings.items():
        if reading.wall_time is not None and reading.wall_time.utcoffset() is None:
            detail = "must be an aware datetime, such as datetime.now(timezone.utc)"
            raise _refused(FieldLocation.BODY, f"{place}/wall_time", ViolationCode.MALFORMED, detail)
    try:
        return ReportBatch(sent=sent, records=list(records), waiting=list(waiting), interval_seconds=interval_seconds)
    except Violation as violation:
        code, detail = violation.code, violation.detail
    if code is ViolationCode.OUT_OF_RANGE:
        raise _refused(FieldLocation.BODY, "/interval_seconds", code, detail)
    place = "/records" if len(records) > MAX_RECORDS else "/waiting"
    raise _refused(FieldLocation.BODY, place, code, detail)


def media_type(media: str) -> str:
    """Choose the media type of a table."""
    if media not in _MEDIA_TYPES:
        detail = f"must be {' or '.join(_MEDIA_TYPES)}"
        raise _refused(FieldLocation.QUERY, "/media", ViolationCode.UNKNOWN_VALUE, detail)
    return _MEDIA_TYPES[media]


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


def _plain(values: Mapping[str, Any], location: FieldLocation) -> dict[str, Any]:
    """Values as JSON has them."""
    return {name: _plain_one(value, location, f"/{name}") for name, value in values.items() if value is not None}


def _plain_one(value: Any, location: FieldLocation, pointer: str) -> Any:
    if isinstance(value, dt.datetime):
        return _moment(value, location, pointer)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping) and location is FieldLocation.QUERY:
        return _label_filter(cast("Mapping[str, str | None]", value), pointer)
    return str(value) if isinstance(value, StrEnum | uuid.UUID) else cast("Any", value)


def _label_filter(labels: Mapping[str, str | None], pointer: str) -> str | None:
    """Write labels as lists take them: `site=berlin,rack`, where any value of the latter will do."""
    if any("=" in key or "," in f"{key}{value}" for key, value in labels.items()):
        detail = "have no '=' and no comma in a key, and no comma in a value"
        raise _refused(FieldLocation.QUERY, pointer, ViolationCode.MALFORMED, detail)
    return ",".join(key if value is None else f"{key}={value}" for key, value in labels.items()) or None


def _moment(value: dt.datetime, location: FieldLocation, pointer: str) -> str:
    if value.utcoffset() is None:
        detail = "must be an aware datetime, such as datetime.now(timezone.utc)"
        raise _refused(location, pointer, ViolationCode.MALFORMED, detail)
    try:
        return format_moment(value)
    except OverflowError:
        detail = "must lie in the years 1 to 9999 in UTC"
    raise _refused(location, pointer, ViolationCode.OUT_OF_RANGE, detail)


def _uuid(value: uuid.UUID | str, pointer: str) -> uuid.UUID:
    try:
        checked = uuid.UUID(str(value))
    except ValueError:
        checked = None
    if checked is None:
        raise _refused(FieldLocation.PATH, pointer, ViolationCode.MALFORMED, "must be a UUID")
    return checked


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
