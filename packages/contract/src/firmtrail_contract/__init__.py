"""The wire contract: what crosses HTTP between Firmtrail's server and its clients, and nothing that performs I/O."""

from firmtrail_contract.api_keys import IssuedDeviceApiKey, IssuedProjectApiKey
from firmtrail_contract.converter import field_errors, lenient_converter, strict_converter
from firmtrail_contract.devices import Device
from firmtrail_contract.firmware import (
    DEFAULT_COMPONENT,
    FirmwareReceipt,
    FirmwareReport,
    ObservedAtSource,
    ReportOutcome,
    VersionPeriod,
)
from firmtrail_contract.limits import Count, Range, Text, Violation, ViolationCode
from firmtrail_contract.moments import format_moment, parse_moment
from firmtrail_contract.oauth import AccessToken, OAuthErrorCode, OAuthRefusal, TokenRequest
from firmtrail_contract.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page, PageQuery
from firmtrail_contract.problems import FieldError, FieldLocation, Problem, ProblemCode
from firmtrail_contract.projects import Project, Role
from firmtrail_contract.reports import (
    MAX_RECORD_COMPONENTS,
    MAX_RECORDS,
    BatchReceipt,
    ClockReading,
    ClockState,
    ComponentReading,
    ComponentReceipt,
    ObservationRecord,
    ObservedMoment,
    RecordReceipt,
    ReportBatch,
)
from firmtrail_contract.seed import Seed

__all__ = [
    "DEFAULT_COMPONENT",
    "DEFAULT_PAGE_SIZE",
    "MAX_PAGE_SIZE",
    "MAX_RECORDS",
    "MAX_RECORD_COMPONENTS",
    "AccessToken",
    "BatchReceipt",
    "ClockReading",
    "ClockState",
    "ComponentReading",
    "ComponentReceipt",
    "Count",
    "Device",
    "FieldError",
    "FieldLocation",
    "FirmwareReceipt",
    "FirmwareReport",
    "IssuedDeviceApiKey",
    "IssuedProjectApiKey",
    "OAuthErrorCode",
    "OAuthRefusal",
    "ObservationRecord",
    "ObservedAtSource",
    "ObservedMoment",
    "Page",
    "PageQuery",
    "Problem",
    "ProblemCode",
    "Project",
    "Range",
    "RecordReceipt",
    "ReportBatch",
    "ReportOutcome",
    "Role",
    "Seed",
    "Text",
    "TokenRequest",
    "VersionPeriod",
    "Violation",
    "ViolationCode",
    "field_errors",
    "format_moment",
    "lenient_converter",
    "parse_moment",
    "strict_converter",
]
