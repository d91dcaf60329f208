"""Devices that went back to a lower version, and those that keep changing."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs
from attrs.validators import optional

from firmtrail_contract.firmware import component_limits
from firmtrail_contract.labels import label_filter_limits
from firmtrail_contract.moments import DayOrMoment
from firmtrail_contract.paging import PageQuery
from firmtrail_contract.version_schemes import VersionScheme


@attrs.frozen(kw_only=True)
class RollbackQuery(PageQuery):
    """When, and on which devices; at most 92 days at once."""

    #: from this moment on, or from the beginning of this date in UTC; 7 days before `until`, if left out
    since: DayOrMoment | None = None
    #: up to this moment, or up to the end of this date in UTC; now, if left out
    until: DayOrMoment | None = None
    #: of this component alone
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    #: labels that devices have today: `site=berlin,rack` asks for this site, and for any rack
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))
    #: how versions are ordered; what most of them look like decides, if left out
    scheme: VersionScheme | None = None


@attrs.frozen(kw_only=True)
class Rollback:
    """A component of a device went from a version to a lower one."""

    device_id: uuid.UUID
    device_name: str
    component: str
    from_version: str
    to_version: str
    #: the first report of the lower version
    at: dt.datetime


@attrs.frozen(kw_only=True)
class FlappingQuery:
    """When, and on which devices; at most 92 days at once."""

    #: from this moment on, or from the beginning of this date in UTC; 7 days before `until`, if left out
    since: DayOrMoment | None = None
    #: up to this moment, or up to the end of this date in UTC; now, if left out
    until: DayOrMoment | None = None
    #: of this component alone
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    #: labels that devices have today: `site=berlin,rack` asks for this site, and for any rack
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))


@attrs.frozen(kw_only=True)
class FlappingDevice:
    """A component of a device went back, at least four times within 24 hours, to versions that it had run before."""

    device_id: uuid.UUID
    device_name: str
    component: str
    first_at: dt.datetime
    last_at: dt.datetime
    #: how often it went back between the two
    changes: int


@attrs.frozen(kw_only=True)
class FlappingDevices:
    """The devices that kept changing, the latest first; at most 1,000."""

    items: list[FlappingDevice]
    #: whether there were more
    is_complete: bool
