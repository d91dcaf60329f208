"""Enrollment: how a device registers itself and gets its own API key."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import attrs
from attrs.validators import optional

from firmtrail_contract.api_keys import IssuedDeviceApiKey, key_label_limits
from firmtrail_contract.devices import Device, device_name_limits, fingerprint_limits
from firmtrail_contract.labels import Labels
from firmtrail_contract.limits import Range

MAX_ENROLLMENTS = 1_000_000

#: up to a year
min_silence_limits = Range(1, 366 * 24 * 3600)


class OnKnownDevice(StrEnum):
    """What happens when a device enrolls that is known already, by its name and its hardware."""

    REFUSE = "refuse"
    REPLACE_KEYS = "replace_keys"


@attrs.frozen(kw_only=True)
class NewEnrollmentKey:
    """An enrollment key to make: whoever holds it may register devices, and nothing else."""

    #: what it is for, in your words
    label: str = attrs.field(default="", validator=key_label_limits)
    expires_at: dt.datetime
    #: how many times a device may enroll with it; a device that is refused because it is known counts too
    max_uses: int = attrs.field(validator=Range(1, MAX_ENROLLMENTS))
    #: `refuse` a device that is known already, or `replace_keys`: its old API keys end
    on_known: OnKnownDevice = OnKnownDevice.REFUSE
    #: with `replace_keys`: a device that has reported within so many seconds keeps its keys, and is refused; null: it
    #: is replaced however lately it reported
    min_silence_seconds: int | None = attrs.field(default=None, validator=optional(min_silence_limits))
    #: labels of every device that it registers
    labels: dict[str, str] = attrs.field(factory=dict[str, str], validator=Labels())


@attrs.frozen(kw_only=True)
class EnrollmentKey:
    """An enrollment key."""

    id: uuid.UUID
    project_id: uuid.UUID
    label: str
    #: the first characters of the secret, to recognise it by
    secret_start: str
    max_uses: int
    use_count: int
    #: `refuse` a device that is known already, or `replace_keys`: its old API keys end
    on_known: OnKnownDevice
    #: with `replace_keys`: a device that has reported within so many seconds keeps its keys, and is refused
    min_silence_seconds: int | None
    #: labels of every device that it registers
    labels: dict[str, str]
    #: the user or the API key that made it
    created_by: uuid.UUID | None
    created_at: dt.datetime
    expires_at: dt.datetime


@attrs.frozen(kw_only=True)
class IssuedEnrollmentKey(EnrollmentKey):
    """A new enrollment key, with the secret that is shown this once."""

    secret: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Enrollment:
    """What a device says of itself to be registered."""

    #: unique in the project
    name: str = attrs.field(validator=device_name_limits)
    #: what the hardware is recognised by, such as a serial number; unique in the project
    hardware_fingerprint: str = attrs.field(validator=fingerprint_limits)


@attrs.frozen(kw_only=True)
class EnrolledDevice:
    """A registered device, with its own API key."""

    device: Device
    api_key: IssuedDeviceApiKey
