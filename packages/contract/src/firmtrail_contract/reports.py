"""A batch of reports: what a device observed, now or while it was offline, and what its clocks showed.

Which moments these are is for the server to work out: many devices have no clock that runs without power.
"""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import attrs

from firmtrail_contract.firmware import DEFAULT_COMPONENT, ObservedAtSource, ReportOutcome
from firmtrail_contract.limits import Count, Range, Text
from firmtrail_contract.problems import FieldError, ProblemCode

MAX_RECORDS = 64
MAX_RECORD_COMPONENTS = 256
MAX_WAITING_READINGS = 32

error_limits = Text(1, 256)

_MAX_BOOT_TIME_MS = 20 * 365 * 24 * 3600 * 1000
_MAX_COUNT = 2**31 - 1


class ClockState(StrEnum):
    """What a device knows about its wall clock."""

    #: set by a time server, a satellite or the like since the device started
    SYNCED = "synced"
    #: it may be right
    UNSYNCED = "unsynced"
    #: it shows a moment before the software was built that reads it
    IMPLAUSIBLE = "implausible"


@attrs.frozen(kw_only=True)
class ClockReading:
    """The clocks of a device, all read at one moment."""

    #: what the kernel drew at its start; the boot clock counts from there
    boot_id: uuid.UUID
    #: numbers the starts of the device
    boot_sequence: int = attrs.field(validator=Range(0, _MAX_COUNT))
    #: since the start, suspension included
    boot_time_ms: int = attrs.field(validator=Range(0, _MAX_BOOT_TIME_MS))
    #: null when the device has none
    wall_time: dt.datetime | None = None
    clock_state: ClockState = ClockState.UNSYNCED


@attrs.frozen(kw_only=True)
class ComponentReading:
    """What the source of a component's version said: the version, or why there is none. One of the two is given.

    The limits of the texts are those of a single report; a record that breaks them is refused, its neighbours are not.
    """

    component: str = DEFAULT_COMPONENT
    #: the device's own string: 1 to 128 printable characters
    version: str | None = None
    #: 1 to 256 printable characters
    error: str | None = None


@attrs.frozen(kw_only=True)
class ObservationRecord:
    """What a device found its components to run, once or many times in a row. It is stored whole or not at all."""

    first_observed: ClockReading
    #: null when there was one observation
    last_observed: ClockReading | None = None
    #: each named once
    components: list[ComponentReading] = attrs.field(validator=Count(1, MAX_RECORD_COMPONENTS))
    #: records between the one before and this one that the device had to drop for want of room
    dropped_before: int = attrs.field(default=0, validator=Range(0, _MAX_COUNT))


@attrs.frozen(kw_only=True)
class ReportBatch:
    """Records of a device, oldest first."""

    #: the clocks at the moment of sending
    sent: ClockReading
    records: list[ObservationRecord] = attrs.field(validator=Count(0, MAX_RECORDS))
    #: of the records that come in later batches: the first reading of each boot and the last, which tell when it ended
    waiting: list[ClockReading] = attrs.field(factory=list[ClockReading], validator=Count(0, MAX_WAITING_READINGS))


@attrs.frozen(kw_only=True)
class ObservedMoment:
    """The moment that an observation counts for."""

    at: dt.datetime
    source: ObservedAtSource


@attrs.frozen(kw_only=True)
class ComponentReceipt:
    """What became of one component of a record."""

    component: str
    #: null when the record gives no version of it
    outcome: ReportOutcome | None


@attrs.frozen(kw_only=True)
class RecordReceipt:
    """What became of one record. It is sent only after the record is stored."""

    #: null unless the record was refused; it will be refused again
    problem: ProblemCode | None = None
    #: each field that was refused, with its place in the body
    errors: list[FieldError] = attrs.field(factory=list[FieldError])
    #: null when the record was refused
    first_observed: ObservedMoment | None = None
    #: null when the record was refused
    last_observed: ObservedMoment | None = None
    components: list[ComponentReceipt] = attrs.field(factory=list[ComponentReceipt])


@attrs.frozen(kw_only=True)
class BatchReceipt:
    """What became of a batch: a receipt for each record, in the same order."""

    records: list[RecordReceipt]
    #: the server's moment
    received_at: dt.datetime
    #: when the server wants to hear from the device again; null: when the device likes
    next_report_in_seconds: int | None
    #: the server knows no version of this device: it should observe and report all of its components at once
    resync: bool
