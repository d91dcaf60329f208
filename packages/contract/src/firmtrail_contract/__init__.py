"""The wire contract: what crosses HTTP between Firmtrail's server and its clients, and nothing that performs I/O."""

from firmtrail_contract.api_keys import (
    ApiKeyInfo,
    DeviceApiKey,
    IssuedDeviceApiKey,
    IssuedProjectApiKey,
    KeyRotation,
    NewApiKey,
    NewDeviceApiKey,
    ProjectApiKey,
)
from firmtrail_contract.audit_events import ActorKind, AuditAction, AuditEvent, AuditQuery
from firmtrail_contract.converter import field_errors, lenient_converter, strict_converter
from firmtrail_contract.device_imports import DeviceImport, DeviceImportQuery, ImportedRow, ImportOutcome
from firmtrail_contract.devices import Device, DeviceChange, DeviceDetails, DeviceQuery, DeviceState, NewDevice
from firmtrail_contract.enrollment import (
    EnrolledDevice,
    Enrollment,
    EnrollmentKey,
    IssuedEnrollmentKey,
    NewEnrollmentKey,
    OnKnownDevice,
)
from firmtrail_contract.firmware import (
    DEFAULT_COMPONENT,
    FirmwareReceipt,
    FirmwareReport,
    ObservedAtSource,
    ReportOutcome,
    VersionPeriod,
)
from firmtrail_contract.invitations import Invitation, InvitationAcceptance, IssuedInvitation, NewInvitation
from firmtrail_contract.labels import MAX_LABELS, Labels, parse_label_filter
from firmtrail_contract.limits import Bytes, Range, Text, Violation, ViolationCode, email_limits
from firmtrail_contract.members import Member, MemberChange
from firmtrail_contract.moments import format_moment, parse_moment
from firmtrail_contract.oauth import AccessToken, OAuthErrorCode, OAuthRefusal, TokenRequest
from firmtrail_contract.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page, PageQuery
from firmtrail_contract.problems import FieldError, FieldLocation, Problem, ProblemCode
from firmtrail_contract.projects import JoinedProject, NewProject, Project, ProjectChange, ProjectDeletion, Role
from firmtrail_contract.seed import Seed
from firmtrail_contract.users import PasswordChange, SignUp, SignUpReceipt, User, UserChange

__all__ = [
    "DEFAULT_COMPONENT",
    "DEFAULT_PAGE_SIZE",
    "MAX_LABELS",
    "MAX_PAGE_SIZE",
    "AccessToken",
    "ActorKind",
    "ApiKeyInfo",
    "AuditAction",
    "AuditEvent",
    "AuditQuery",
    "Bytes",
    "Device",
    "DeviceApiKey",
    "DeviceChange",
    "DeviceDetails",
    "DeviceImport",
    "DeviceImportQuery",
    "DeviceQuery",
    "DeviceState",
    "EnrolledDevice",
    "Enrollment",
    "EnrollmentKey",
    "FieldError",
    "FieldLocation",
    "FirmwareReceipt",
    "FirmwareReport",
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
    "Member",
    "MemberChange",
    "NewApiKey",
    "NewDevice",
    "NewDeviceApiKey",
    "NewEnrollmentKey",
    "NewInvitation",
    "NewProject",
    "OAuthErrorCode",
    "OAuthRefusal",
    "ObservedAtSource",
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
    "ReportOutcome",
    "Role",
    "Seed",
    "SignUp",
    "SignUpReceipt",
    "Text",
    "TokenRequest",
    "User",
    "UserChange",
    "VersionPeriod",
    "Violation",
    "ViolationCode",
    "email_limits",
    "field_errors",
    "format_moment",
    "lenient_converter",
    "parse_label_filter",
    "parse_moment",
    "strict_converter",
]
