"""What a device's agent says of itself, and what members see of it: why a version is old."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import attrs
from attrs.validators import optional

from firmtrail_contract.blanks import visible_text
from firmtrail_contract.firmware import component_limits
from firmtrail_contract.limits import Count, Range
from firmtrail_contract.observations import MAX_BOOT_TIME_MS

MAX_FAILING_SOURCES = 64

agent_version_limits = visible_text(1, 64)
source_limits = visible_text(1, 64)
agent_error_limits = visible_text(1, 256)


class AgentHealth(StrEnum):
    """How an agent does."""

    OK = "ok"
    #: a source gives no version, or the device's disk takes no records
    FAILING = "failing"


@attrs.frozen(kw_only=True)
class FailingSource:
    """A source that gives no version of a component."""

    component: str = attrs.field(validator=component_limits)
    #: its type in the agent's configuration, such as `rauc`
    source: str = attrs.field(validator=source_limits)
    error: str = attrs.field(validator=agent_error_limits)
    #: the boot clock when it was first seen to fail; null: it has failed for as long as the agent runs
    failing_since_ms: int | None = attrs.field(default=None, validator=optional(Range(0, MAX_BOOT_TIME_MS)))


@attrs.frozen(kw_only=True)
class AgentStatement:
    """What an agent says of itself. It need not be repeated while it stays the same."""

    version: str = attrs.field(validator=agent_version_limits)
    #: those that fail
    sources: list[FailingSource] = attrs.field(factory=list[FailingSource], validator=Count(0, MAX_FAILING_SOURCES))
    #: why records are kept in memory alone; null: the disk takes them
    spool_error: str | None = attrs.field(default=None, validator=optional(agent_error_limits))


@attrs.frozen(kw_only=True)
class SourceFailure:
    """A source of a device that gives no version of a component."""

    component: str
    #: its type in the agent's configuration, such as `rauc`
    source: str
    error: str
    #: by the server's clock
    failing_since: dt.datetime


@attrs.frozen(kw_only=True)
class DeviceAgent:
    """The agent of a device, as it said last. Without one that says something, a device has none."""

    version: str
    #: how often it reports; null: another program decides that, such as a timer
    interval_seconds: int | None
    health: AgentHealth
    #: those that fail
    sources: list[SourceFailure]
    #: why records are kept in memory alone; null: the disk takes them
    spool_error: str | None
    #: the server's moment at which something of this changed last
    changed_at: dt.datetime
