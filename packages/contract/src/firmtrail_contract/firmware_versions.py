"""Which versions a project's devices run or ran, and on how many of them."""

from __future__ import annotations

import datetime as dt

import attrs
from attrs.validators import optional

from firmtrail_contract.devices import DeviceState
from firmtrail_contract.firmware import component_limits
from firmtrail_contract.labels import label_filter_limits
from firmtrail_contract.moments import AsOf
from firmtrail_contract.version_schemes import VersionScheme


@attrs.frozen(kw_only=True)
class FirmwareVersionsQuery:
    """Which devices are counted, and as of when; filters add up."""

    #: the moment, or a date, which means its end in UTC; now, if left out
    at: AsOf | None = None
    #: of this component alone
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    #: labels that devices have today: `site=berlin,rack` asks for this site, and for any rack
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))
    #: whether devices count that were in service at the moment, those that were retired, or all
    state: DeviceState = DeviceState.ACTIVE
    #: how versions are ordered; what most of them look like decides, if left out
    scheme: VersionScheme | None = None


@attrs.frozen(kw_only=True)
class VersionCount:
    """A version of a component, and on how many devices it was in force."""

    component: str
    version: str
    devices: int
    #: of the counted devices that have the component, 0 to 1
    share: float
    #: when the first of these devices began to run it
    first_since: dt.datetime
    #: when the last of these devices began to run it
    last_since: dt.datetime
    #: whether one of these devices has a newer version of the component; null where the two cannot be compared
    newer_exists: bool | None


@attrs.frozen(kw_only=True)
class FirmwareVersions:
    """Which versions were in force at a moment: by component, the newest version first."""

    #: the moment that the counts are about; late reports may still change those of a moment that has passed
    as_of: dt.datetime
    #: the moment whose labels were asked for: always now, since labels have no history
    labels_as_of: dt.datetime
    #: the first report of these components by any device, whatever its labels; null: there is none
    first_reported_at: dt.datetime | None = None
    items: list[VersionCount]
    #: how many versions are left out, of those on the fewest devices: at most 5,000 are listed
    omitted_versions: int
