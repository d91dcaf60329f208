"""Desired versions: rules that say what devices should run, and how many of them do."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import attrs
from attrs.validators import optional

from firmtrail_contract.firmware import component_limits, version_limits
from firmtrail_contract.labels import Labels, label_filter_limits
from firmtrail_contract.limits import Range, Texts
from firmtrail_contract.moments import AsOf
from firmtrail_contract.observations import DEFAULT_COMPONENT
from firmtrail_contract.paging import PageQuery

MAX_ACCEPTED_VERSIONS = 16
#: in force at a time in a project
MAX_RULES = 50

priority_limits = Range(0, 1_000_000)


class RuleState(StrEnum):
    """Whether a rule is in force, was ended, or either."""

    IN_FORCE = "in_force"
    ENDED = "ended"
    ANY = "any"


@attrs.frozen(kw_only=True)
class NewDesiredVersion:
    """A rule to make: what a component of some devices should run."""

    component: str = attrs.field(default=DEFAULT_COMPONENT, validator=component_limits)
    #: the versions to accept: one, or several while devices go from one to another
    versions: list[str] = attrs.field(validator=Texts(1, MAX_ACCEPTED_VERSIONS, version_limits))
    #: of the devices that have all of these labels; none: of all devices
    labels: dict[str, str] = attrs.field(factory=dict[str, str], validator=Labels())
    #: of several rules for a device, the one with the greatest priority counts
    priority: int = attrs.field(default=0, validator=priority_limits)
    #: a rule that ends in the moment in which this one begins
    replaces: uuid.UUID | None = None


@attrs.frozen(kw_only=True)
class DesiredVersion:
    """A rule: what a component of some devices should run. It is ended, and never changed."""

    id: uuid.UUID
    project_id: uuid.UUID
    component: str
    #: the versions that are accepted
    versions: list[str]
    #: of the devices that have all of these labels; none: of all devices
    labels: dict[str, str]
    #: of several rules for a device, the one with the greatest priority counts
    priority: int
    #: the user or the API key that made it
    set_by: uuid.UUID
    set_at: dt.datetime
    #: null: it has not been ended
    ended_at: dt.datetime | None


@attrs.frozen(kw_only=True)
class DesiredVersionQuery(PageQuery):
    """Which rules of a project; filters add up."""

    #: the moment, or a date, which means its end in UTC; now, if left out
    at: AsOf | None = None
    #: for this component alone
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    #: whether rules are listed that were in force at the moment, those that had been ended by then, or both
    state: RuleState = RuleState.IN_FORCE


@attrs.frozen(kw_only=True)
class DesiredVersionList:
    """A page of rules, and what moment it is about."""

    items: list[DesiredVersion]
    #: pass it as `page_token` to get the next page; null on the last one
    next_page_token: str | None = None
    #: the moment at which the rules were in force, or had been ended by; a client reads null from an older server
    as_of: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class DeviceDesiredVersion:
    """What a component of a device should run."""

    component: str
    #: the versions that are accepted
    versions: list[str]
    #: the rule that says so
    desired_version_id: uuid.UUID
    #: since when the rule is in force
    set_at: dt.datetime


@attrs.frozen(kw_only=True)
class ComplianceQuery:
    """Which devices are looked at, and as of when; filters add up."""

    #: the moment, or a date, which means its end in UTC; now, if left out
    at: AsOf | None = None
    #: of this component alone
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    #: labels that devices have today: `site=berlin,rack` asks for this site, and for any rack
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))


@attrs.frozen(kw_only=True)
class RuleCompliance:
    """A rule, and how many of the devices that it counts for were on a version that it accepts."""

    rule: DesiredVersion
    #: the devices in service whose labels it names, and no rule of a greater priority does
    devices: int
    on_accepted_version: int
    on_other_version: int
    #: they had not reported the component yet
    without_version: int


@attrs.frozen(kw_only=True)
class Compliance:
    """Which devices ran what they should: by component, the rule of the greatest priority first."""

    #: the moment that the rules and the counts are about; late reports may still change those of one that has passed
    as_of: dt.datetime
    #: the moment whose labels decide which rule counts for a device: always now, since labels have no history
    labels_as_of: dt.datetime
    items: list[RuleCompliance]
