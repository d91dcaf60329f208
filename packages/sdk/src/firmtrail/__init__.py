"""The typed client of a Firmtrail server: what every device runs, and what it ran, as of any date."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmtrail._async.client import AsyncClient
    from firmtrail._async.paging import AsyncPager
    from firmtrail._sync.client import Client
    from firmtrail._sync.paging import Pager
    from firmtrail.credentials import ApiKey
    from firmtrail.errors import (
        ApiError,
        AuthenticationError,
        ConfigError,
        ConflictError,
        ConnectionLostError,
        CredentialsError,
        DeadlineExceededError,
        DecodeError,
        FirmtrailError,
        InvalidClientError,
        InvalidRequestError,
        NotFoundError,
        NotSentError,
        OAuthError,
        PayloadTooLargeError,
        PermissionDeniedError,
        PreconditionFailedError,
        RateLimitedError,
        ServerError,
        TransportError,
    )
    from firmtrail.stored import from_json, to_json
    from firmtrail_contract import (
        BatchReceipt,
        ClockReading,
        ClockState,
        ComponentReading,
        ComponentReceipt,
        Device,
        EnrolledDevice,
        FieldError,
        FieldLocation,
        FirmwareReceipt,
        FirmwareReport,
        IssuedDeviceApiKey,
        IssuedProjectApiKey,
        ObservationRecord,
        ObservedAtSource,
        ObservedMoment,
        Page,
        ProblemCode,
        Project,
        RecordReceipt,
        ReportOutcome,
        Role,
        Seed,
        VersionPeriod,
        Violation,
        ViolationCode,
    )

_MODULES = {
    "ApiKey": "firmtrail.credentials",
    "AsyncClient": "firmtrail._async.client",
    "AsyncPager": "firmtrail._async.paging",
    "Client": "firmtrail._sync.client",
    "Pager": "firmtrail._sync.paging",
    "from_json": "firmtrail.stored",
    "to_json": "firmtrail.stored",
    **dict.fromkeys(
        (
            "BatchReceipt",
            "ClockReading",
            "ClockState",
            "ComponentReading",
            "ComponentReceipt",
            "Device",
            "EnrolledDevice",
            "FieldError",
            "FieldLocation",
            "FirmwareReceipt",
            "FirmwareReport",
            "IssuedDeviceApiKey",
            "IssuedProjectApiKey",
            "ObservationRecord",
            "ObservedAtSource",
            "ObservedMoment",
            "Page",
            "ProblemCode",
            "Project",
            "RecordReceipt",
            "ReportOutcome",
            "Role",
            "Seed",
            "VersionPeriod",
            "Violation",
            "ViolationCode",
        ),
        "firmtrail_contract",
    ),
}

__all__ = [
    "ApiError",
    "ApiKey",
    "AsyncClient",
    "AsyncPager",
    "AuthenticationError",
    "BatchReceipt",
    "Client",
    "ClockReading",
    "ClockState",
    "ComponentReading",
    "ComponentReceipt",
    "ConfigError",
    "ConflictError",
    "ConnectionLostError",
    "CredentialsError",
    "DeadlineExceededError",
    "DecodeError",
    "Device",
    "EnrolledDevice",
    "FieldError",
    "FieldLocation",
    "FirmtrailError",
    "FirmwareReceipt",
    "FirmwareReport",
    "InvalidClientError",
    "InvalidRequestError",
    "IssuedDeviceApiKey",
    "IssuedProjectApiKey",
    "NotFoundError",
    "NotSentError",
    "OAuthError",
    "ObservationRecord",
    "ObservedAtSource",
    "ObservedMoment",
    "Page",
    "Pager",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "ProblemCode",
    "Project",
    "RateLimitedError",
    "RecordReceipt",
    "ReportOutcome",
    "Role",
    "Seed",
    "ServerError",
    "TransportError",
    "VersionPeriod",
    "Violation",
    "ViolationCode",
    "from_json",
    "to_json",
]


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for (PEP 562): most programs need only a few."""
    if name == "errors":
        return import_module("firmtrail.errors")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES.get(name, "firmtrail.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
