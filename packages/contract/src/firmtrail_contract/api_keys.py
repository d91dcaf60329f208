"""API keys: an id and a secret that belong to a project or to one device."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs
from attrs.validators import optional

from firmtrail_contract.blanks import visible_text
from firmtrail_contract.limits import Range
from firmtrail_contract.projects import Role

DEFAULT_OVERLAP_SECONDS = 24 * 3600
MAX_OVERLAP_SECONDS = 30 * 24 * 3600

key_label_limits = visible_text(0, 100)


@attrs.frozen(kw_only=True)
class NewApiKey:
    """An API key to make for a project."""

    #: at most the role of who makes it
    role: Role
    #: what it is for, in your words
    label: str = attrs.field(default="", validator=key_label_limits)
    #: null: it does not expire
    expires_at: dt.datetime | None = None
    #: for a gateway: it may report for every device of the project as well
    reports_for_devices: bool = False


@attrs.frozen(kw_only=True)
class NewDeviceApiKey:
    """An API key to make for a device."""

    #: what it is for, in your words
    label: str = attrs.field(default="", validator=key_label_limits)
    #: null: it does not expire
    expires_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class KeyRotation:
    """How to replace an API key by a new one."""

    #: for how long the old key works beside the new one; 0: it ends at once
    overlap_seconds: int = attrs.field(default=DEFAULT_OVERLAP_SECONDS, validator=Range(0, MAX_OVERLAP_SECONDS))
    #: of the new key; null: it does not expire
    expires_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class DeviceKeyRotation:
    """How to replace an API key of a device by a new one."""

    #: for how long the old key works beside the new one; 0: it ends at once; null: until the new one is confirmed
    overlap_seconds: int | None = attrs.field(
        default=DEFAULT_OVERLAP_SECONDS, validator=optional(Range(0, MAX_OVERLAP_SECONDS))
    )
    #: of the new key; null: it does not expire
    expires_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class ApiKeyInfo:
    """What is known of an API key; its secret is not."""

    id: uuid.UUID
    label: str
    #: the first characters of the secret, to recognise it by; empty when they were not kept
    secret_start: str
    #: the user or the API key that made it
    created_by: uuid.UUID | None
    created_at: dt.datetime
    expires_at: dt.datetime | None
    #: about when it was last used, to the hour
    last_used_at: dt.datetime | None


@attrs.frozen(kw_only=True)
class ProjectApiKey(ApiKeyInfo):
    """An API key of a project."""

    project_id: uuid.UUID
    role: Role
    #: it may report for every device of the project as well
    reports_for_devices: bool = False


@attrs.frozen(kw_only=True)
class DeviceApiKey(ApiKeyInfo):
    """An API key of a device."""

    device_id: uuid.UUID


@attrs.frozen(kw_only=True)
class IssuedProjectApiKey:
    """A project's new API key, with the secret that is shown this once."""

    id: uuid.UUID
    project_id: uuid.UUID
    role: Role
    #: it may report for every device of the project as well
    reports_for_devices: bool = False
    label: str = ""
    secret: str = attrs.field(repr=False)
    created_at: dt.datetime
    expires_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class IssuedDeviceApiKey:
    """A device's new API key, with the secret that is shown this once."""

    id: uuid.UUID
    device_id: uuid.UUID
    label: str = ""
    secret: str = attrs.field(repr=False)
    created_at: dt.datetime
    expires_at: dt.datetime | None = None
