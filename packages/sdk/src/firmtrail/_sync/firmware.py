"""Report the firmware version of a device, and read what it ran."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail._calls import Call, decode
from firmtrail._sync.paging import Pager
from firmtrail._sync.transport import Transport
from firmtrail.errors import InvalidRequestError
from firmtrail_contract import (
    DEFAULT_COMPONENT,
    FieldError,
    FieldLocation,
    FirmwareReceipt,
    FirmwareReport,
    VersionPeriod,
    ViolationCode,
    field_errors,
    lenient_converter,
)

_converter = lenient_converter()


class Firmware:
    """What a device runs, and what it ran."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def report(
        self,
        device_id: uuid.UUID | str,
        version: str,
        *,
        component: str = DEFAULT_COMPONENT,
        observed_at: dt.datetime | None = None,
    ) -> FirmwareReceipt:
        """Report that a component runs a version. Safe to repeat: a report always says when it was observed.

        Args:
            device_id: the device of the API key.
            version: 1 to 128 printable characters, kept as they are.
            component: the part of the device that runs it.
            observed_at: an aware datetime; now, if left out.

        Raises:
            InvalidRequestError: a value is not allowed; nothing was sent.
            FirmtrailError: see `firmtrail.errors`.
        """
        report = _checked(version, component, observed_at or dt.datetime.now(dt.UTC))
        call = Call(method="POST", path=_path(device_id), body=report, repeatable=True)
        return decode(self._transport.send(call), FirmwareReceipt)

    def history(
        self,
        device_id: uuid.UUID | str,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[VersionPeriod]:
        """List every version the device ever reported, oldest first, as version periods.

        Args:
            device_id: a device of the API key's project.
            limit: the most periods to give in all.
            page_size: the most periods to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped.
        """
        return Pager(
            self._transport,
            _path(device_id),
            VersionPeriod,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )


def _path(device_id: uuid.UUID | str) -> str:
    try:
        checked = uuid.UUID(str(device_id))
    except ValueError:
        raise InvalidRequestError.before_sending([_error("/device_id", "must be a UUID")]) from None
    return f"/v1/devices/{checked}/firmware_version"


def _checked(version: str, component: str, observed_at: dt.datetime) -> FirmwareReport:
    if observed_at.tzinfo is None:
        detail = "must be an aware datetime, such as datetime.now(timezone.utc)"
        raise InvalidRequestError.before_sending([_error("/observed_at", detail)])
    values = {"version": version, "component": component, "observed_at": _converter.unstructure(observed_at)}
    try:
        return _converter.structure(values, FirmwareReport)
    except ExceptionGroup as error:
        raise InvalidRequestError.before_sending(field_errors(error)) from None


def _error(pointer: str, detail: str) -> FieldError:
    return FieldError(location=FieldLocation.BODY, pointer=pointer, code=ViolationCode.MALFORMED, detail=detail)
