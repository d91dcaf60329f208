"""A batch of reports, and what became of it.

Which moments its observations count for is for the server to work out: many devices have no clock that runs without
power.
"""

from __future__ import annotations

import datetime as dt

import attrs
from attrs.validators import optional

from firmtrail_contract.agents import AgentStatement
from firmtrail_contract.blanks import visible_text
from firmtrail_contract.firmware import ObservedAtSource, ReportOutcome, interval_limits
from firmtrail_contract.limits import Count
from firmtrail_contract.observations import ClockReading, ObservationRecord
from firmtrail_contract.problems import FieldError, ProblemCode

MAX_RECORDS = 64
MAX_WAITING_READINGS = 32

error_limits = visible_text(1, 256)


@attrs.frozen(kw_only=True)
class ReportBatch:
    """Records of a device, oldest first."""

    #: the clocks at the moment of sending
    sent: ClockReading
    records: list[ObservationRecord] = attrs.field(validator=Count(0, MAX_RECORDS))
    #: of the records that come in later batches: the first reading of each boot and the last, which tell when it ended
    waiting: list[ClockReading] = attrs.field(factory=list[ClockReading], validator=Count(0, MAX_WAITING_READINGS))
    #: how often the device reports; without it the server goes by when its reports have come
    interval_seconds: int | None = attrs.field(default=None, validator=optional(interval_limits))
    #: what the agent says of itself; null: nothing new
    agent: AgentStatement | None = None


@attrs.frozen(kw_only=True)
class ObservedMoment:
    """The moment that an observation counts for."""

    at: dt.datetime
    source: ObservedAtSource


@attrs.frozen(kw_only=True)
class ComponentReceipt:
    """What became of one component of a record."""

    component: str
    #: null when the record gives no version of it, and does not say that it is gone
    outcome: ReportOutcome | None


@attrs.frozen(kw_only=True)
class RecordReceipt:
    """What became of one record. It is sent only after the record is stored."""

    #: null unless the record was refused; it will be refused again
    problem: ProblemCode | None = None
    #: the fields that were refused, the first 8 if there are more, each with its place in the body
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
