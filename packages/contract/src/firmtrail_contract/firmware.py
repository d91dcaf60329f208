"""Firmware reports and the history they make."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import attrs
from attrs.validators import optional

from firmtrail_contract.blanks import visible_text, without_blanks
from firmtrail_contract.limits import IDENTIFIER, Range, Text
from firmtrail_contract.moments import AsOf
from firmtrail_contract.observations import DEFAULT_COMPONENT
from firmtrail_contract.paging import PageQuery

version_limits = visible_text(1, 128)
#: what an agent can be configured to: from 10 seconds to 31 days
interval_limits = Range(10, 31 * 24 * 3600)
component_limits = Text(1, 64, IDENTIFIER, "start with a-z or 0-9 and hold only a-z, 0-9, '.', '_' and '-'")


class ObservedAtSource(StrEnum):
    """Where the moment of a report comes from."""

    #: the device's wall clock
    DEVICE = "device"
    #: the server's clock, when the report arrived
    SERVER = "server"
    #: the server's clock, less what the device's boot clock counted since: too late by as long as a virtual machine was
    #: held in between
    BOOT_CLOCK = "boot_clock"
    #: no clock: it is the latest moment possible, since the device booted afterwards. Where the agent cannot read the
    #: kernel's boot id, that boot may have been a start of the agent alone: then it was later, by what the boot clock
    #: had counted at most
    UPPER_BOUND = "upper_bound"


class ReportOutcome(StrEnum):
    """What a report did to the history."""

    OPENED = "opened"
    EXTENDED = "extended"
    KNOWN = "known"


@attrs.frozen(kw_only=True)
class FirmwareReport:
    """What a device says: this component ran this version at that moment."""

    #: the device's own string, never parsed, and kept as it is but for blanks and invisible marks around it
    version: str = attrs.field(converter=without_blanks, validator=version_limits)
    #: the part of the device that runs it
    component: str = attrs.field(default=DEFAULT_COMPONENT, validator=component_limits)
    #: the device's moment; without it the order of arrival counts
    observed_at: dt.datetime | None = None
    #: for imports of old histories: take `observed_at` as it is, or refuse the report if it cannot be right
    strict: bool = False
    #: how often the device reports; without it the server goes by when its reports have come
    interval_seconds: int | None = attrs.field(default=None, validator=optional(interval_limits))


@attrs.frozen(kw_only=True)
class FirmwareReceipt:
    """What became of a report. It is sent only after the report is stored."""

    component: str
    version: str
    #: the moment the report counts for
    observed_at: dt.datetime
    #: `server` when the report named no moment, or one that cannot be believed: before 2000, in the future, or
    #: more than 18 months before anything that the device has said
    observed_at_source: ObservedAtSource
    #: `opened` a version period, `extended` one, or was `known` before
    outcome: ReportOutcome


@attrs.frozen(kw_only=True)
class VersionPeriod:
    """A version, and when it was reported: in force from its first report until the next period's first report."""

    id: uuid.UUID
    component: str
    version: str
    first_reported_at: dt.datetime
    last_reported_at: dt.datetime
    #: reports that opened or extended the period; repeats of what was known do not count
    report_count: int
    #: the first report of the next period, or of that the component is gone: then no period begins at this moment.
    #: Null while this version is the current one
    superseded_at: dt.datetime | None
    #: the server's moment at which it learned of the period
    recorded_at: dt.datetime
    #: where `first_reported_at` comes from. In a device's history alone; null where it is not known
    first_reported_at_source: ObservedAtSource | None = None
    #: the same of `last_reported_at`: of a device that tells no boot clocks it is not known
    last_reported_at_source: ObservedAtSource | None = None


@attrs.frozen(kw_only=True)
class HistoryQuery(PageQuery):
    """Which of a device's version periods."""

    #: those in force at this moment alone, or at the end of this date in UTC: at most one a component
    at: AsOf | None = None
    #: of this component alone
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    #: those first reported by this moment, or by the end of this date in UTC
    until: AsOf | None = None
    #: the newest first, in the place of the oldest
    newest_first: bool = False


@attrs.frozen(kw_only=True)
class HistoryGap:
    """A stretch of time of which records were lost: no room, damaged or refused. What ran there is not known."""

    #: the last moment before, of which it told; null: it has told of none
    began_at: dt.datetime | None
    #: the first moment after, of which it told
    ended_at: dt.datetime
    #: that were lost, each of one or several observations
    records: int


@attrs.frozen(kw_only=True)
class History:
    """A page of a device's version periods, oldest first unless asked otherwise."""

    items: list[VersionPeriod]
    #: pass it as `page_token` to get the next page; null on the last one
    next_page_token: str | None = None
    #: the moment at which the periods were in force; null: all there are
    as_of: dt.datetime | None = None
    #: that ended within the time of this page; of an answer about a moment those that it lies in
    gaps: list[HistoryGap] = attrs.field(factory=list[HistoryGap])
