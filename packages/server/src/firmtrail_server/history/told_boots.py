"""What a batch tells of each boot that it names, before anything is known of their starts. No I/O."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping

import attrs

from firmtrail_contract import ClockReading, ReportBatch
from firmtrail_contract.version_periods import EARLIEST_MOMENT, MAX_CLOCK_LEAD
from firmtrail_server.history.boots import Boot
from firmtrail_server.history.wall_clocks import WallStart, elapsed, wall_starts, weighed

RESOLUTION = dt.timedelta(microseconds=1)


@attrs.frozen(kw_only=True)
class ToldBoot:
    """What a batch says of a boot."""

    boot_id: uuid.UUID
    sequence: int
    #: what its boot clock showed at the first reading, and at the last
    first: dt.timedelta
    last: dt.timedelta
    #: its start by the wall clock
    wall_starts: list[WallStart]
    #: its first reading is later than this
    floor: dt.datetime = EARLIEST_MOMENT
    #: what was reported before it was heard of
    reported_until: dt.datetime = EARLIEST_MOMENT

    @property
    def earliest_start(self) -> dt.datetime:
        return self.floor + RESOLUTION - self.first

    def fitting_starts(self, latest: dt.datetime) -> list[WallStart]:
        """Move what the wall clock says to where it fits, by five minutes at most."""
        moved = [(one, min(max(one.at, self.earliest_start), latest)) for one in self.wall_starts]
        return [attrs.evolve(one, at=at) for one, at in moved if one.agrees_with(at)]

    def is_one_with(self, next_start: dt.datetime, next_first: dt.timedelta) -> bool:
        """Say whether this and the next one are one boot of the kernel, whose id the agent could not read."""
        if self.last > next_first or self.earliest_start > next_start:
            return False
        if self.reported_until + self.last > next_start + MAX_CLOCK_LEAD:
            return True  # it would have started before what was reported before it was heard of
        told = [one for one in weighed(self.wall_starts)[-1:] if one.agrees_with(next_start)]
        return any(one.at + self.last > next_start + MAX_CLOCK_LEAD for one in told)


def told_boots(
    batch: ReportBatch, received_at: dt.datetime, known: Mapping[uuid.UUID, Boot], reported_until: dt.datetime | None
) -> list[ToldBoot]:
    """Sort the readings by boot, the one that sends last, and see what came before each."""
    told = sorted(_by_boot(batch), key=lambda one: (one.boot_id == batch.sent.boot_id, one.sequence, one.boot_id))
    latest = received_at - (told[-1].last - told[-1].first)
    floor = reported = EARLIEST_MOMENT
    for index, one in enumerate(told):
        heard_of = [known[later.boot_id].reported_until for later in told[index:] if later.boot_id in known]
        reported = max(reported, (heard_of[0] if heard_of else reported_until) or reported)
        floor = max(floor, reported)
        told[index] = attrs.evolve(one, floor=floor, reported_until=reported)
        boot = known.get(one.boot_id)
        if boot is not None and boot.moment_after(one.last).at > latest + MAX_CLOCK_LEAD:
            boot = None  # its start is too late
        reported = max(reported, boot.started_at + one.last) if boot else reported
        floor = max(floor, reported) if boot else floor + RESOLUTION + one.last - one.first
    return told


def named_boots(batch: ReportBatch) -> set[uuid.UUID]:
    """The boots that a batch tells of."""
    return {reading.boot_id for reading in [*observed(batch), *batch.waiting, batch.sent]}


def numbered_boots(batch: ReportBatch) -> dict[int | None, uuid.UUID]:
    """The boots that a batch tells of, by their numbers."""
    return {one.boot_sequence: one.boot_id for one in [*observed(batch), *batch.waiting, batch.sent]}


def observed(batch: ReportBatch) -> Iterator[ClockReading]:
    """The readings between which its records were observed."""
    for record in batch.records:
        yield record.first_observed
        yield record.last_observed or record.first_observed


def _by_boot(batch: ReportBatch) -> Iterator[ToldBoot]:
    by_boot: dict[uuid.UUID, list[ClockReading]] = {}
    for reading in [*observed(batch), *batch.waiting, batch.sent]:
        by_boot.setdefault(reading.boot_id, []).append(reading)
    for boot_id, of_boot in by_boot.items():
        yield ToldBoot(
            boot_id=boot_id,
            sequence=of_boot[0].boot_sequence,
            first=min(map(elapsed, of_boot)),
            last=max(map(elapsed, of_boot)),
            wall_starts=wall_starts(of_boot),
        )
