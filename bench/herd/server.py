"""A server in memory: its rules, for boots, moments and periods, are the real one's. It counts what comes."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Sequence

import attrs

from firmtrail import (
    BatchReceipt,
    ComponentReceipt,
    RecordReceipt,
    ReportOutcome,
)
from firmtrail_contract import ReportBatch, version_periods
from firmtrail_server.history import batches, boot_clocks, boots, timeline

START = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
#: requests are counted by
BIN_SECONDS = 10


@attrs.define
class Known:
    """What the server knows of a device that has one component."""

    boots: dict[uuid.UUID, boots.Boot] = attrs.field(factory=dict[uuid.UUID, boots.Boot])
    periods: list[version_periods.Period] = attrs.field(factory=list[version_periods.Period])
    #: reports of a version that began a period
    opened: int = 0


class Server:
    """Stores what it is sent, and counts what comes."""

    def __init__(self) -> None:
        self.known: dict[uuid.UUID, Known] = {}
        self.requests: Counter[int] = Counter()

    def count(self, now: float) -> None:
        self.requests[int(now // BIN_SECONDS)] += 1

    def store(
        self, device_id: uuid.UUID, batch: ReportBatch, now: float, *, next_report_in_seconds: int | None
    ) -> BatchReceipt:
        """Do what the real server does with a batch."""
        received_at = START + dt.timedelta(seconds=now)
        known = self.known.setdefault(device_id, Known())
        assert not batches.refusals(batch), "the agent sent a record that no server would take"
        if not boot_clocks.are_known(batch, received_at, known.boots):
            until = max((period.last_reported_at for period in known.periods), default=None)
            found = boot_clocks.find_boots(batch, received_at, known.boots, until)
            known.boots |= {boot.boot_id: boot for boot in found}
        records = batches.records(batch, known.boots)
        return BatchReceipt(
            records=[_store(known, record, received_at) for record in records],
            received_at=received_at,
            next_report_in_seconds=next_report_in_seconds,
            resync=False,
        )

    def history(self, device_id: uuid.UUID) -> Sequence[version_periods.Period]:
        return self.known[device_id].periods if device_id in self.known else []


def _store(known: Known, record: timeline.Record, received_at: dt.datetime) -> RecordReceipt:
    components: list[ComponentReceipt] = []
    for component, version in record.versions:
        seen = [
            version_periods.Sighting(version, moment.at, received_at)
            for moment in dict.fromkeys([record.first, record.last])
        ]
        outcomes = version_periods.place_all(known.periods, seen)
        known.opened += outcomes.count(ReportOutcome.OPENED)
        components.append(ComponentReceipt(component=component, outcome=outcomes[-1]))
    return RecordReceipt(first_observed=record.first, last_observed=record.last, components=components)
