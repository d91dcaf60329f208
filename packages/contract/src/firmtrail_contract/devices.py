"""Devices: the physical machines registered in a project."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import attrs
from attrs import converters
from attrs.validators import optional

from firmtrail_contract.blanks import visible_text, without_blanks
from firmtrail_contract.firmware import VersionPeriod, component_limits, version_limits
from firmtrail_contract.labels import Labels, label_filter_limits
from firmtrail_contract.limits import Text
from firmtrail_contract.paging import PageQuery

device_name_limits = visible_text(1, 200)
name_part_limits = Text(1, 200)
fingerprint_limits = visible_text(1, 256)


@attrs.frozen(kw_only=True)
class Device:
    """A device."""

    id: uuid.UUID
    project_id: uuid.UUID
    #: unique in its project
    name: str
    #: what people say about it, as key = value
    labels: dict[str, str] = attrs.field(factory=dict[str, str])
    #: what its hardware is recognised by when it enrolls again
    hardware_fingerprint: str | None = None
    created_at: dt.datetime
    #: since when it has been out of service; it has no API keys then
    retired_at: dt.datetime | None = None
    #: since when two machines have been seen to report with one of its API keys; null: not since a key of it ended
    two_machines_since: dt.datetime | None = None
    #: the last moment at which it reported anything
    last_reported_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class DeviceDetails(Device):
    """A device, with what each of its components runs now."""

    firmware: list[VersionPeriod]


@attrs.frozen(kw_only=True)
class NewDevice:
    """A device to register."""

    #: unique in its project
    name: str = attrs.field(validator=device_name_limits)
    labels: dict[str, str] = attrs.field(factory=dict[str, str], validator=Labels())
    #: what its hardware is recognised by when it enrolls; unique in its project
    hardware_fingerprint: str | None = attrs.field(default=None, validator=optional(fingerprint_limits))


@attrs.frozen(kw_only=True)
class DeviceChange:
    """What shall be different about a device; what is left out, or null, stays."""

    name: str | None = attrs.field(default=None, validator=optional(device_name_limits))
    #: labels to set; null removes one, and labels that are not named stay
    labels: dict[str, str | None] = attrs.field(factory=dict[str, str | None], validator=Labels())


class DeviceState(StrEnum):
    """Which devices a list holds."""

    ACTIVE = "active"
    RETIRED = "retired"
    ANY = "any"


@attrs.frozen(kw_only=True)
class DeviceQuery(PageQuery):
    """Which devices of a project; filters add up."""

    #: part of the name, in any case
    name: str | None = attrs.field(default=None, validator=optional(name_part_limits))
    #: labels that it has: `site=berlin,rack` asks for this site, and for any rack
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))
    #: what a component of it runs now
    version: str | None = attrs.field(
        default=None, converter=converters.optional(without_blanks), validator=optional(version_limits)
    )
    #: a component that it has; with `version`, the one that runs it
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    created_from: dt.datetime | None = None
    created_before: dt.datetime | None = None
    #: it reported at this moment or later
    reported_from: dt.datetime | None = None
    #: it has not reported since this moment, or never
    reported_before: dt.datetime | None = None
    #: whether two machines have been seen to report with one of its API keys
    two_machines: bool | None = None
    state: DeviceState = DeviceState.ACTIVE
