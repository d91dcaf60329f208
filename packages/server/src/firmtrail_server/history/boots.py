"""What is remembered of a boot: its start, and so the moment of each of its readings. No I/O."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import NamedTuple, Self

import attrs

from firmtrail_contract import ClockReading, ObservedAtSource, ObservedMoment
from firmtrail_contract.version_periods import EARLIEST_MOMENT
from firmtrail_server.history.wall_clocks import elapsed


@attrs.frozen(kw_only=True)
class Stretch:
    """An early part of a boot, whose start is settled: whatever is found out later changes that of later readings."""

    started_at: dt.datetime
    source: ObservedAtSource
    #: the moment of its last reading, by that start
    until: dt.datetime

    def earliest_after(self, up: dt.timedelta) -> dt.datetime:
        """Say when a later reading was made at the earliest: after `until`, a microsecond for each 10 ms."""
        return self.until + (self.started_at + up - self.until) / 10_000


class SendingBoot(NamedTuple):
    """The boot that sends a batch, by the batch alone."""

    boot_id: uuid.UUID
    #: when the batch was received, less what its boot clock had counted by then
    started_at: dt.datetime

    def moment(self, reading: ClockReading) -> ObservedMoment:
        """Tell which moment a reading of this boot counts for, if nothing is known of it."""
        return ObservedMoment(at=self.started_at + elapsed(reading), source=ObservedAtSource.BOOT_CLOCK)


@attrs.frozen(kw_only=True)
class Boot:
    """A boot of a device, as it is remembered."""

    boot_id: uuid.UUID
    started_at: dt.datetime
    #: where `started_at` comes from
    source: ObservedAtSource
    #: the last moment of any report of the device that was there before; None: there was none
    reported_until: dt.datetime | None
    #: when it was first heard of
    recorded_at: dt.datetime
    #: None: it was remembered before numbers were
    boot_sequence: int | None = None
    #: those of its readings that have another start, oldest first
    stretches: tuple[Stretch, ...] = ()

    @property
    def first_start(self) -> dt.datetime:
        """Its start as it was found first, or before its clock stood still."""
        return self.stretches[0].started_at if self.stretches else self.started_at

    def has_settled(self, up: dt.timedelta) -> bool:
        """Say whether a reading of its boot clock keeps its moment, also when the boot gets another start."""
        return any(one.started_at + up <= one.until for one in self.stretches)

    def settled(self, up: dt.timedelta) -> Self:
        """Keep the start for all readings up to one, whatever is found out later."""
        if self.has_settled(up):
            return self
        latest = Stretch(started_at=self.started_at, source=self.source, until=self.started_at + up)
        earlier = [*self.stretches]
        if earlier and attrs.evolve(earlier[-1], until=latest.until) == latest:
            earlier.pop()
        return attrs.evolve(self, stretches=(*earlier, latest))

    def moved(self, start: Stretch) -> Self:
        """Take another start for what is not settled."""
        return attrs.evolve(self, started_at=start.started_at, source=start.source)

    def moment(self, reading: ClockReading) -> ObservedMoment:
        """Tell which moment a reading of this boot counts for: one after that of each earlier reading."""
        return self.moment_after(elapsed(reading))

    def moment_after(self, up: dt.timedelta) -> ObservedMoment:
        """Tell which moment its boot clock means by what it has counted."""
        if not self.stretches:  # as of nearly every boot
            return ObservedMoment(at=self.started_at + up, source=self.source)
        started_at, source, earliest = self.started_at, self.source, EARLIEST_MOMENT
        for one in self.stretches:
            if one.started_at + up <= one.until:
                started_at, source = one.started_at, one.source
                break
            earliest = max(earliest, one.earliest_after(up))
        return ObservedMoment(at=max(started_at + up, earliest), source=source)
