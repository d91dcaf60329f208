"""A project's devices at a glance."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs
from attrs.validators import optional

from firmtrail_contract.desired_versions import RuleCompliance
from firmtrail_contract.firmware_versions import VersionCount
from firmtrail_contract.labels import label_filter_limits


@attrs.frozen(kw_only=True)
class FleetStatusQuery:
    """Which devices are summed up."""

    #: labels that devices have: `site=berlin,rack` asks for this site, and for any rack
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))


@attrs.frozen(kw_only=True)
class ComponentStatus:
    """What a component runs on the devices in service."""

    component: str
    #: the devices that have it
    devices: int
    #: the versions on most devices, at most 10, the newest first
    versions: list[VersionCount]
    #: how many more versions there are
    other_versions: int


@attrs.frozen(kw_only=True)
class LatestChange:
    """A component of a device began to run a version."""

    device_id: uuid.UUID
    device_name: str
    component: str
    version: str
    since: dt.datetime


@attrs.frozen(kw_only=True)
class FleetStatus:
    """A project's devices now."""

    as_of: dt.datetime
    #: the first report of any device, whatever its labels; null: there is none
    first_reported_at: dt.datetime | None = None
    #: in service: the next three together
    devices: int
    #: not silent; also those registered within the last hour
    reporting: int
    #: longer quiet than their own cadence allows
    silent: int
    #: registered more than an hour ago, and never heard of
    never_reported: int
    #: out of service
    retired: int
    #: of which two machines have been seen to report with one API key
    two_machines: int
    components: list[ComponentStatus]
    #: of each desired version in force, how many of its devices run an accepted version
    compliance: list[RuleCompliance]
    #: the latest 10, the last one first
    latest_changes: list[LatestChange]
