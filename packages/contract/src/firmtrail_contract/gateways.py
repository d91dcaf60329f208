"""What a gateway reports: one request for many devices, and what became of each report."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract.blanks import without_blanks
from firmtrail_contract.firmware import FirmwareReceipt
from firmtrail_contract.limits import Count
from firmtrail_contract.observations import DEFAULT_COMPONENT
from firmtrail_contract.problems import FieldError, ProblemCode

MAX_DEVICE_REPORTS = 250


@attrs.frozen(kw_only=True)
class DeviceReport:
    """What a device ran, as its gateway tells it. The device is named by its id or by its name.

    The limits of the values are those of a single report; a report that breaks them is refused, its neighbours are not.
    """

    device_id: uuid.UUID | None = None
    #: in the place of `device_id`
    device_name: str | None = None
    #: the device's own string: 1 to 128 printable characters, without blanks and invisible marks around it
    version: str = attrs.field(converter=without_blanks)
    #: the part of the device that runs it
    component: str = DEFAULT_COMPONENT
    #: the device's moment; without it the order of arrival counts
    observed_at: dt.datetime | None = None
    #: for imports of old histories: take `observed_at` as it is, or refuse the report if it cannot be right
    strict: bool = False
    #: how often the device reports, 10 to 2,678,400; without it the server goes by when its reports have come
    interval_seconds: int | None = None


@attrs.frozen(kw_only=True)
class DeviceReports:
    """Reports for devices of a project; those of one device in the order in which they were observed."""

    reports: list[DeviceReport] = attrs.field(validator=Count(1, MAX_DEVICE_REPORTS))


@attrs.frozen(kw_only=True)
class DeviceReportReceipt:
    """What became of one report. It is sent only after the report is stored."""

    #: null when the device is not known
    device_id: uuid.UUID | None = None
    #: null when the report was refused
    receipt: FirmwareReceipt | None = None
    #: null unless the report was refused; it will be refused again until something is done about it
    problem: ProblemCode | None = None
    #: what to do about it
    detail: str | None = None
    #: the fields that were refused, each with its place in the body
    errors: list[FieldError] = attrs.field(factory=list[FieldError])


@attrs.frozen(kw_only=True)
class DeviceReportReceipts:
    """A receipt for each report, in the same order."""

    reports: list[DeviceReportReceipt]
    #: the server's moment
    received_at: dt.datetime
