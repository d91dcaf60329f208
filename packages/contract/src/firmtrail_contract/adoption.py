"""How the versions of a component spread over a project's devices."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import attrs
from attrs.validators import optional

from firmtrail_contract.firmware import component_limits, version_limits
from firmtrail_contract.labels import label_filter_limits
from firmtrail_contract.limits import Text
from firmtrail_contract.moments import DayOrMoment
from firmtrail_contract.observations import DEFAULT_COMPONENT
from firmtrail_contract.version_schemes import VersionScheme

time_zone_limits = Text(1, 64)


class Step(StrEnum):
    """What lies between two moments. An hour is 60 minutes; the others keep the time of day of the time zone."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@attrs.frozen(kw_only=True)
class AdoptionQuery:
    """Of which component, on which devices, and at which moments."""

    component: str = attrs.field(default=DEFAULT_COMPONENT, validator=component_limits)
    #: this version's rollout as well, written as the devices write it
    version: str | None = attrs.field(default=None, validator=optional(version_limits))
    #: the first moment, or a date, which means its beginning in the time zone; 90 days before `until`, if left out
    since: DayOrMoment | None = None
    #: the last moment, or a date, which means its end in the time zone; now, if left out
    until: DayOrMoment | None = None
    step: Step = Step.DAY
    #: an IANA name
    time_zone: str = attrs.field(default="UTC", validator=time_zone_limits)
    #: labels that devices have today: `site=berlin,rack` asks for this site, and for any rack
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))
    #: how versions are ordered; what most of them look like decides, if left out
    scheme: VersionScheme | None = None


@attrs.frozen(kw_only=True)
class VersionAdoption:
    """A version over the moments."""

    version: str
    #: how many devices it was in force on, at each moment
    devices: list[int]
    #: of the devices that had the component at that moment, 0 to 1
    shares: list[float]


@attrs.frozen(kw_only=True)
class Rollout:
    """How one version came to the devices that had the component at the last moment, and how long it stayed."""

    version: str
    #: the devices that had the component at the last moment
    devices: int
    #: when the first of them had the version; null: none had it until then
    first_at: dt.datetime | None
    #: when half of them had had it, and so on; null: not until then
    half_at: dt.datetime | None
    ninety_percent_at: dt.datetime | None
    ninety_nine_percent_at: dt.datetime | None
    #: how long it stayed, where it was replaced or its component is gone; null: it was nowhere
    median_dwell_seconds: float | None
    #: how often it was replaced, or its component is gone
    replaced: int
    #: how often it was replaced by a lower version
    rolled_back: int


@attrs.frozen(kw_only=True)
class Adoption:
    """How the versions of a component spread: at each moment, the devices on each version."""

    component: str
    moments: list[dt.datetime]
    #: the newest version first
    versions: list[VersionAdoption]
    #: the devices on versions that are not listed: those of the fewest devices, where there are more than 100
    other_devices: list[int]
    #: the moment whose labels were asked for: always now, since labels have no history
    labels_as_of: dt.datetime
    #: of the version that was asked for
    rollout: Rollout | None
