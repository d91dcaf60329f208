"""Devices: the physical machines registered in a project."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum
from typing import Any

import attrs
from attrs import converters
from attrs.validators import optional

from firmtrail_contract.agents import AgentHealth, DeviceAgent, agent_version_limits
from firmtrail_contract.blanks import visible_text, without_blanks
from firmtrail_contract.fillers import is_filler_fingerprint
from firmtrail_contract.firmware import VersionPeriod, component_limits
from firmtrail_contract.labels import Labels, label_filter_limits
from firmtrail_contract.limits import PRINTABLE, Text, Violation, ViolationCode
from firmtrail_contract.moments import AsOf, DayStart
from firmtrail_contract.paging import PageQuery
from firmtrail_contract.version_schemes import VersionScheme

device_name_limits = visible_text(1, 200)
name_part_limits = Text(1, 200)
fingerprint_limits = visible_text(1, 256)


class Fingerprint(Text):
    """A text by which one machine can be told from all others: none that makers write into many."""

    def __call__(self, instance: object, attribute: attrs.Attribute[Any], value: str) -> None:
        super().__call__(instance, attribute, value)
        if is_filler_fingerprint(value):
            raise Violation(ViolationCode.MALFORMED, "must be of one machine: makers write this one into many")


own_fingerprint_limits = Fingerprint(1, 256, fingerprint_limits.pattern, fingerprint_limits.rule)
version_filter_limits = Text(1, 512, f"^{PRINTABLE}+$", "hold no control characters")


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
    #: null: nothing is known of it
    agent: DeviceAgent | None = None


@attrs.frozen(kw_only=True)
class RunningVersion:
    """The version of a component that is in force at a moment."""

    component: str
    version: str
    #: when the component began to run it
    since: dt.datetime


@attrs.frozen(kw_only=True)
class ListedDevice(Device):
    """A device, with the version of each component: those that run now, or ran at the moment that was asked for."""

    firmware: list[RunningVersion]
    #: since when it has been silent for longer than its own cadence allows; null while it is not silent
    silent_since: dt.datetime | None = None
    #: its agent, as it is now; null: nothing is known of it
    agent: DeviceAgent | None = None


@attrs.frozen(kw_only=True)
class DeviceList:
    """A page of devices, and what moment it is about."""

    items: list[ListedDevice]
    #: pass it as `page_token` to get the next page; null on the last one
    next_page_token: str | None = None
    #: the moment at which the versions were in force
    as_of: dt.datetime
    #: the moment of names, labels and silence: always now, since they have no history
    labels_as_of: dt.datetime
    #: where a filter finds no device: versions of the project that may have been meant, at most 5
    near_versions: list[str] = attrs.field(factory=list[str])
    #: how many devices match on all pages; null, unless `with_total` was asked for
    total: int | None = None


@attrs.frozen(kw_only=True)
class NewDevice:
    """A device to register."""

    #: unique in its project
    name: str = attrs.field(validator=device_name_limits)
    labels: dict[str, str] = attrs.field(factory=dict[str, str], validator=Labels())
    #: what its hardware is recognised by when it enrolls; unique in its project, and none that makers write into many
    #: machines, such as `To be filled by O.E.M.`
    hardware_fingerprint: str | None = attrs.field(default=None, validator=optional(own_fingerprint_limits))


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


class DeviceOrder(StrEnum):
    """In which order a list of devices comes."""

    NAME = "name"
    #: by name, from the last to the first
    NAME_DESCENDING = "name_descending"


@attrs.frozen(kw_only=True)
class DeviceQuery(PageQuery):
    """Which devices of a project; filters add up."""

    #: part of the name, in any case
    name: str | None = attrs.field(default=None, validator=optional(name_part_limits))
    #: labels that it has: `site=berlin,rack` asks for this site, and for any rack
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))
    #: the moment at which versions are looked at, or a date, which means its end in UTC; now, if left out
    at: AsOf | None = None
    #: what a component of it runs: a version as it is written, `1.4.*`, or comparisons such as `>=1.4,<1.5`; `==`
    #: before a version takes it as it is written
    version: str | None = attrs.field(
        default=None, converter=converters.optional(without_blanks), validator=optional(version_filter_limits)
    )
    #: a component that it has; with `version`, the one that runs it
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    #: how versions are ordered for `version`; what those of a component look like decides, if left out
    scheme: VersionScheme | None = None
    #: registered at this moment or later; a date means its beginning in UTC, here and in the next four
    created_from: DayStart | None = None
    #: registered before this moment, or this date
    created_before: DayStart | None = None
    #: it reported at this moment, on this date, or later
    reported_from: DayStart | None = None
    #: it has not reported since this moment, or the beginning of this date, or never
    reported_before: DayStart | None = None
    #: one of its components has run its version since this moment, this date, or later
    changed_since: DayStart | None = None
    #: whether it has been silent for longer than its own cadence allows
    silent: bool | None = None
    #: whether two machines have been seen to report with one of its API keys
    two_machines: bool | None = None
    #: how its agent does; a device of whose agent nothing is known is in neither list
    agent_health: AgentHealth | None = None
    #: the version of its agent
    agent_version: str | None = attrs.field(default=None, validator=optional(agent_version_limits))
    state: DeviceState = DeviceState.ACTIVE
    #: not with `version` or `component`: those lists come by id
    order: DeviceOrder | None = None
    #: whether the answer says how many devices match; that may take a second for 100,000 of them
    with_total: bool = False
