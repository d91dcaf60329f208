"""Silences: times at which a device was quiet for longer than it usually is."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import attrs
from attrs.validators import optional

from firmtrail_contract.firmware import component_limits
from firmtrail_contract.labels import label_filter_limits
from firmtrail_contract.paging import PageQuery


class SilenceState(StrEnum):
    """Which silences a list holds."""

    SILENT = "silent"
    ENDED = "ended"
    ANY = "any"


@attrs.frozen(kw_only=True)
class SilentDevice:
    """A device that is silent, or was; one that was silent several times is listed once for each."""

    device_id: uuid.UUID
    name: str
    #: today's labels
    labels: dict[str, str] = attrs.field(factory=dict[str, str])
    #: the server's moment of the last report before it; of a device that had never reported, when it was registered
    silent_since: dt.datetime
    #: the server's moment of a report that ended it, the last one before the server looked; null: it is silent now
    ended_at: dt.datetime | None = None
    #: the last moment at which it reported anything
    last_reported_at: dt.datetime | None = None
    #: the seconds between its reports now: what it announces, or their mean if that is longer. Null: it announces
    #: nothing and has not reported twice
    cadence_seconds: float | None = None
    #: whether it has never reported
    never_reported: bool


@attrs.frozen(kw_only=True)
class SilentDeviceQuery(PageQuery):
    """Which silences of a project; filters add up."""

    #: labels that the device has: `site=berlin,rack` asks for this site, and for any rack
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))
    #: a component that the device has
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    #: silent since this moment or later
    silent_since_from: dt.datetime | None = None
    #: silent since before this moment
    silent_since_before: dt.datetime | None = None
    #: `silent` devices, the ones that came back (`ended`; kept for 90 days), or `any`
    state: SilenceState = SilenceState.SILENT
    #: it came back at this moment or later
    ended_from: dt.datetime | None = None
    #: it came back before this moment
    ended_before: dt.datetime | None = None
