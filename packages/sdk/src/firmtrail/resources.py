"""The types of `client.devices` and its like, for the signatures of programs that pass them on. A client makes them."""

from __future__ import annotations

from firmtrail._async.api_keys import AsyncApiKeys
from firmtrail._async.audit_events import AsyncAuditEvents
from firmtrail._async.desired_versions import AsyncDesiredVersions
from firmtrail._async.device_api_keys import AsyncDeviceApiKeys
from firmtrail._async.devices import AsyncDevices
from firmtrail._async.enrollment import AsyncEnrolling
from firmtrail._async.enrollment_keys import AsyncEnrollmentKeys
from firmtrail._async.firmware import AsyncFirmware
from firmtrail._async.firmware_changes import AsyncChangeFeed
from firmtrail._async.firmware_history import AsyncFirmwareHistory
from firmtrail._async.fleet import AsyncFleet
from firmtrail._async.invitations import AsyncInvitations
from firmtrail._async.members import AsyncMembers
from firmtrail._async.projects import AsyncProjects
from firmtrail._async.users import AsyncUsers
from firmtrail._sync.api_keys import ApiKeys
from firmtrail._sync.audit_events import AuditEvents
from firmtrail._sync.desired_versions import DesiredVersions
from firmtrail._sync.device_api_keys import DeviceApiKeys
from firmtrail._sync.devices import Devices
from firmtrail._sync.enrollment import Enrolling
from firmtrail._sync.enrollment_keys import EnrollmentKeys
from firmtrail._sync.firmware import Firmware
from firmtrail._sync.firmware_changes import ChangeFeed
from firmtrail._sync.firmware_history import FirmwareHistory
from firmtrail._sync.fleet import Fleet
from firmtrail._sync.invitations import Invitations
from firmtrail._sync.members import Members
from firmtrail._sync.projects import Projects
from firmtrail._sync.users import Users

__all__ = [
    "ApiKeys",
    "AsyncApiKeys",
    "AsyncAuditEvents",
    "AsyncChangeFeed",
    "AsyncDesiredVersions",
    "AsyncDeviceApiKeys",
    "AsyncDevices",
    "AsyncEnrolling",
    "AsyncEnrollmentKeys",
    "AsyncFirmware",
    "AsyncFirmwareHistory",
    "AsyncFleet",
    "AsyncInvitations",
    "AsyncMembers",
    "AsyncProjects",
    "AsyncUsers",
    "AuditEvents",
    "ChangeFeed",
    "DesiredVersions",
    "DeviceApiKeys",
    "Devices",
    "Enrolling",
    "EnrollmentKeys",
    "Firmware",
    "FirmwareHistory",
    "Fleet",
    "Invitations",
    "Members",
    "Projects",
    "Users",
]
