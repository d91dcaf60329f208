"""The wire contract: what crosses HTTP between Firmtrail's server and its clients, and nothing that performs I/O.

A name is imported when it is first asked for (PEP 562): to build all models costs a device more than its report.
Type checkers read the imports below, programs `_MODULES`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmtrail_contract.adoption import Adoption, AdoptionQuery, Rollout, Step, VersionAdoption
    from firmtrail_contract.api_keys import (
        ApiKeyInfo,
        DeviceApiKey,
        DeviceKeyRotation,
        IssuedDeviceApiKey,
        IssuedProjectApiKey,
        KeyRotation,
        NewApiKey,
        NewDeviceApiKey,
        ProjectApiKey,
    )
    from firmtrail_contract.audit_events import ActorKind, AuditAction, AuditEvent, AuditQuery
    from firmtrail_contract.blanks import trimmed
    from firmtrail_contract.converter import field_errors, lenient_converter, strict_converter
    from firmtrail_contract.desired_versions import (
        MAX_RULES,
        Compliance,
        ComplianceQuery,
        DesiredVersion,
        DesiredVersionQuery,
        DeviceDesiredVersion,
        NewDesiredVersion,
        RuleCompliance,
        RuleState,
    )
    from firmtrail_contract.device_imports import DeviceImport, DeviceImportQuery, ImportedRow, ImportOutcome
    from firmtrail_contract.devices import (
        Device,
        DeviceChange,
        DeviceDetails,
        DeviceList,
        DeviceQuery,
        DeviceState,
        ListedDevice,
        NewDevice,
        RunningVersion,
    )
    from firmtrail_contract.enrollment import (
        EnrolledDevice,
        Enrollment,
        EnrollmentKey,
        IssuedEnrollmentKey,
        NewEnrollmentKey,
        OnKnownDevice,
    )
    from firmtrail_contract.fillers import is_filler_identity, is_filler_version
    from firmtrail_contract.firmware import (
        FirmwareReceipt,
        FirmwareReport,
        History,
        HistoryQuery,
        ObservedAtSource,
        ReportOutcome,
        VersionPeriod,
    )
    from firmtrail_contract.firmware_versions import FirmwareVersions, FirmwareVersionsQuery, VersionCount
    from firmtrail_contract.fleet_status import ComponentStatus, FleetStatus, FleetStatusQuery, LatestChange
    from firmtrail_contract.invitations import Invitation, InvitationAcceptance, IssuedInvitation, NewInvitation
    from firmtrail_contract.labels import MAX_LABELS, Labels, parse_label_filter
    from firmtrail_contract.limits import Bytes, Count, Range, Text, Texts, Violation, ViolationCode, email_limits
    from firmtrail_contract.members import Member, MemberChange
    from firmtrail_contract.moments import (
        AsOf,
        DayOrMoment,
        end_of,
        format_moment,
        parse_as_of,
        parse_day_or_moment,
        parse_moment,
    )
    from firmtrail_contract.oauth import AccessToken, OAuthErrorCode, OAuthRefusal, TokenRequest
    from firmtrail_contract.observations import (
        DEFAULT_COMPONENT,
        MAX_RECORD_COMPONENTS,
        ClockReading,
        ClockState,
        ComponentReading,
        ObservationRecord,
    )
    from firmtrail_contract.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page, PageQuery
    from firmtrail_contract.problems import FieldError, FieldLocation, Problem, ProblemCode
    from firmtrail_contract.projects import (
        CurrentProject,
        JoinedProject,
        NewProject,
        Project,
        ProjectChange,
        ProjectDeletion,
        Role,
    )
    from firmtrail_contract.reports import (
        MAX_RECORDS,
        MAX_WAITING_READINGS,
        BatchReceipt,
        ComponentReceipt,
        ObservedMoment,
        RecordReceipt,
        ReportBatch,
    )
    from firmtrail_contract.rollbacks import FlappingDevice, FlappingDevices, FlappingQuery, Rollback, RollbackQuery
    from firmtrail_contract.seed import Seed
    from firmtrail_contract.silent_devices import SilenceState, SilentDevice, SilentDeviceQuery
    from firmtrail_contract.users import PasswordChange, SignUp, SignUpReceipt, User, UserChange
    from firmtrail_contract.version_schemes import VersionScheme

_MODULES = {
    name: f"firmtrail_contract.{module}"
    for module, names in {
        "api_keys": (
            "ApiKeyInfo",
            "DeviceApiKey",
            "DeviceKeyRotation",
            "IssuedDeviceApiKey",
            "IssuedProjectApiKey",
            "KeyRotation",
            "NewApiKey",
            "NewDeviceApiKey",
            "ProjectApiKey",
        ),
        "audit_events": ("ActorKind", "AuditAction", "AuditEvent", "AuditQuery"),
        "blanks": ("trimmed",),
        "converter": ("field_errors", "lenient_converter", "strict_converter"),
        "desired_versions": (
            "MAX_RULES",
            "Compliance",
            "ComplianceQuery",
            "DesiredVersion",
            "DesiredVersionQuery",
            "DeviceDesiredVersion",
            "NewDesiredVersion",
            "RuleCompliance",
            "RuleState",
        ),
        "device_imports": ("DeviceImport", "DeviceImportQuery", "ImportedRow", "ImportOutcome"),
        "devices": (
            "Device",
            "DeviceChange",
            "DeviceDetails",
            "DeviceList",
            "DeviceQuery",
            "DeviceState",
            "ListedDevice",
            "NewDevice",
            "RunningVersion",
        ),
        "enrollment": (
            "EnrolledDevice",
            "Enrollment",
            "EnrollmentKey",
            "IssuedEnrollmentKey",
            "NewEnrollmentKey",
            "OnKnownDevice",
        ),
        "fillers": ("is_filler_identity", "is_filler_version"),
        "firmware": (
            "FirmwareReceipt",
            "FirmwareReport",
            "History",
            "HistoryQuery",
            "ObservedAtSource",
            "ReportOutcome",
            "VersionPeriod",
        ),
        "invitations": ("Invitation", "InvitationAcceptance", "IssuedInvitation", "NewInvitation"),
        "labels": ("MAX_LABELS", "Labels", "parse_label_filter"),
        "limits": ("Bytes", "Count", "Range", "Text", "Texts", "Violation", "ViolationCode", "email_limits"),
        "members": ("Member", "MemberChange"),
        "moments": (
            "AsOf",
            "DayOrMoment",
            "end_of",
            "format_moment",
            "parse_as_of",
            "parse_day_or_moment",
            "parse_moment",
        ),
        "oauth": ("AccessToken", "OAuthErrorCode", "OAuthRefusal", "TokenRequest"),
        "observations": (
            "DEFAULT_COMPONENT",
            "MAX_RECORD_COMPONENTS",
            "ClockReading",
            "ClockState",
            "ComponentReading",
            "ObservationRecord",
        ),
        "paging": ("DEFAULT_PAGE_SIZE", "MAX_PAGE_SIZE", "Page", "PageQuery"),
        "problems": ("FieldError", "FieldLocation", "Problem", "ProblemCode"),
        "projects": (
            "CurrentProject",
            "JoinedProject",
            "NewProject",
            "Project",
            "ProjectChange",
            "ProjectDeletion",
            "Role",
        ),
        "reports": (
            "MAX_RECORDS",
            "MAX_WAITING_READINGS",
            "BatchReceipt",
            "ComponentReceipt",
            "ObservedMoment",
            "RecordReceipt",
            "ReportBatch",
        ),
        "seed": ("Seed",),
        "silent_devices": ("SilenceState", "SilentDevice", "SilentDeviceQuery"),
        "users": ("PasswordChange", "SignUp", "SignUpReceipt", "User", "UserChange"),
        "firmware_versions": ("FirmwareVersions", "FirmwareVersionsQuery", "VersionCount"),
        "adoption": ("Adoption", "AdoptionQuery", "Rollout", "Step", "VersionAdoption"),
        "rollbacks": ("FlappingDevice", "FlappingDevices", "FlappingQuery", "Rollback", "RollbackQuery"),
        "fleet_status": ("ComponentStatus", "FleetStatus", "FleetStatusQuery", "LatestChange"),
        "version_schemes": ("VersionScheme",),
    }.items()
    for name in names
}

__all__ = [
    "DEFAULT_COMPONENT",
    "DEFAULT_PAGE_SIZE",
    "MAX_LABELS",
    "MAX_PAGE_SIZE",
    "MAX_RECORDS",
    "MAX_RECORD_COMPONENTS",
    "MAX_RULES",
    "MAX_WAITING_READINGS",
    "AccessToken",
    "ActorKind",
    "Adoption",
    "AdoptionQuery",
    "ApiKeyInfo",
    "AsOf",
    "AuditAction",
    "AuditEvent",
    "AuditQuery",
    "BatchReceipt",
    "Bytes",
    "ClockReading",
    "ClockState",
    "Compliance",
    "ComplianceQuery",
    "ComponentReading",
    "ComponentReceipt",
    "ComponentStatus",
    "Count",
    "CurrentProject",
    "DayOrMoment",
    "DesiredVersion",
    "DesiredVersionQuery",
    "Device",
    "DeviceApiKey",
    "DeviceChange",
    "DeviceDesiredVersion",
    "DeviceDetails",
    "DeviceImport",
    "DeviceImportQuery",
    "DeviceKeyRotation",
    "DeviceList",
    "DeviceQuery",
    "DeviceState",
    "EnrolledDevice",
    "Enrollment",
    "EnrollmentKey",
    "FieldError",
    "FieldLocation",
    "FirmwareReceipt",
    "FirmwareReport",
    "FirmwareVersions",
    "FirmwareVersionsQuery",
    "FlappingDevice",
    "FlappingDevices",
    "FlappingQuery",
    "FleetStatus",
    "FleetStatusQuery",
    "History",
    "HistoryQuery",
    "ImportOutcome",
    "ImportedRow",
    "Invitation",
    "InvitationAcceptance",
    "IssuedDeviceApiKey",
    "IssuedEnrollmentKey",
    "IssuedInvitation",
    "IssuedProjectApiKey",
    "JoinedProject",
    "KeyRotation",
    "Labels",
    "LatestChange",
    "ListedDevice",
    "Member",
    "MemberChange",
    "NewApiKey",
    "NewDesiredVersion",
    "NewDevice",
    "NewDeviceApiKey",
    "NewEnrollmentKey",
    "NewInvitation",
    "NewProject",
    "OAuthErrorCode",
    "OAuthRefusal",
    "ObservationRecord",
    "ObservedAtSource",
    "ObservedMoment",
    "OnKnownDevice",
    "Page",
    "PageQuery",
    "PasswordChange",
    "Problem",
    "ProblemCode",
    "Project",
    "ProjectApiKey",
    "ProjectChange",
    "ProjectDeletion",
    "Range",
    "RecordReceipt",
    "ReportBatch",
    "ReportOutcome",
    "Role",
    "Rollback",
    "RollbackQuery",
    "Rollout",
    "RuleCompliance",
    "RuleState",
    "RunningVersion",
    "Seed",
    "SignUp",
    "SignUpReceipt",
    "SilenceState",
    "SilentDevice",
    "SilentDeviceQuery",
    "Step",
    "Text",
    "Texts",
    "TokenRequest",
    "User",
    "UserChange",
    "VersionAdoption",
    "VersionCount",
    "VersionPeriod",
    "VersionScheme",
    "Violation",
    "ViolationCode",
    "email_limits",
    "end_of",
    "field_errors",
    "format_moment",
    "is_filler_identity",
    "is_filler_version",
    "lenient_converter",
    "parse_as_of",
    "parse_day_or_moment",
    "parse_label_filter",
    "parse_moment",
    "strict_converter",
    "trimmed",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
