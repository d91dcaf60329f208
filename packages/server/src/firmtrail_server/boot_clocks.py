"""When the records of a batch were observed. No I/O: a batch and what is remembered of boots go in, moments come out.

A device without a clock battery does not know what time it is, but its boot clock counts from the start of every boot,
through suspension and whatever happens to the wall clock. So one moment is enough for all readings of a boot: its
start. It is found once, by the first of these that applies, and remembered:

* The boot that sends a batch started when that batch was received, less what its boot clock had counted by then:
  `boot_clock`. This is late by the time that the request took.
* An earlier boot started at the wall time of its first reading with a synced clock, less what its boot clock had
  counted by then: `device`.
* An earlier boot without such a reading ended when the next boot began: `upper_bound`. It may have ended earlier; how
  much, nobody knows.

It is remembered because the next request takes another time: were it found anew, a retry would move moments by
milliseconds, and one that falls into a period of another version would split it.

A spool may be larger than a batch. What waits to be sent then counts for its boot, too: from a part of what happened in
it a boot would seem to have ended early, and its later readings would have no room before the next boot.

Boots do not overlap, and a boot that is new comes after everything that was reported before it was heard of. Where
clocks say otherwise, a boot is moved to where it fits, by five minutes at most; a wall clock that is further off is not
believed. Every reading counts for a moment before that of a later reading.

Crystals drift, and a virtual machine that is held counts nothing: the start of the boot that sends is found anew when
it is more than five minutes off. A request that was held up, or sent again, looks the same, so that is done only where
all versions that it tells of the boot are later than whatever is known of the device.

The number of a boot orders the readings of one batch, never boots of several: a device whose state is lost, or another
machine with its key, counts from the beginning. So a first batch that was held up for longer than the next boot took to
send its own is taken for what runs now.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import pairwise

import attrs

from firmtrail_contract import ClockReading, ClockState, ObservedAtSource, ObservedMoment, ReportBatch
from firmtrail_server.meaning import EARLIEST_MOMENT, MAX_CLOCK_LEAD

_RESOLUTION = dt.timedelta(microseconds=1)


@attrs.frozen(kw_only=True)
class Boot:
    """A boot of a device, as it is remembered."""

    boot_id: uuid.UUID
    started_at: dt.datetime
    #: where `started_at` comes from
    source: ObservedAtSource
    #: the last moment of any report of the device that was there before; None: there was none
    reported_until: dt.datetime | None


def are_known(batch: ReportBatch, received_at: dt.datetime, known: Mapping[uuid.UUID, Boot]) -> bool:
    """Say whether every boot that the batch names is remembered, and the one that sends seems not to have drifted."""
    if not named_boots(batch) <= known.keys():
        return False
    return not _has_drifted(known[batch.sent.boot_id], batch.sent, received_at)


def named_boots(batch: ReportBatch) -> set[uuid.UUID]:
    """The boots that a batch tells of."""
    return {reading.boot_id for reading in [*_readings(batch), *batch.waiting, batch.sent]}


def find_boots(
    batch: ReportBatch, received_at: dt.datetime, known: Mapping[uuid.UUID, Boot], reported_until: dt.datetime | None
) -> list[Boot]:
    """Find all boots that the batch names, from the newest to the oldest."""
    sent, sending = batch.sent, known.get(batch.sent.boot_id)
    if sending and _has_drifted(sending, sent, received_at) and _is_news(batch, sending, reported_until):
        known = {boot_id: boot for boot_id, boot in known.items() if boot_id != sent.boot_id}
    stretches = [*reversed(_stretches(batch, known, reported_until))]
    fresh = _sending_start(stretches[0], received_at)
    boots = [known.get(sent.boot_id) or _boot(stretches[0], fresh, reported_until)]
    for later, stretch in pairwise(stretches):
        start = _earlier_start(stretch, boots[-1].started_at, boots[-1].started_at + later.first)
        boots.append(known.get(stretch.boot_id) or _boot(stretch, start, reported_until))
    return boots


def moments(batch: ReportBatch, boots: Mapping[uuid.UUID, Boot]) -> Mapping[ClockReading, ObservedMoment]:
    """Tell which moment every reading counts for."""
    found: dict[ClockReading, ObservedMoment] = {}
    later, later_at = batch.sent, boots[batch.sent.boot_id].started_at + _elapsed(batch.sent)
    for reading in sorted(_readings(batch), key=partial(_place, batch.sent), reverse=True):
        boot = boots[reading.boot_id]
        is_same = _place(batch.sent, reading) == _place(batch.sent, later)
        latest = later_at if is_same else later_at - _RESOLUTION
        later, later_at = reading, min(boot.started_at + _elapsed(reading), latest)
        found[reading] = ObservedMoment(at=later_at, source=boot.source)
    return found


def order(reading: ClockReading) -> tuple[int, int]:
    """Place a reading among all others of its device."""
    return reading.boot_sequence, reading.boot_time_ms


def _place(sent: ClockReading, reading: ClockReading) -> tuple[bool, int, uuid.UUID, int]:
    """Place a reading among those of a batch: boots one after the other, also two of one number; the last one sends."""
    boot_id = reading.boot_id
    return boot_id == sent.boot_id, reading.boot_sequence, boot_id, reading.boot_time_ms


@attrs.frozen(kw_only=True)
class _Stretch:
    """What a batch says of a boot."""

    boot_id: uuid.UUID
    sequence: int
    #: what its boot clock showed at the first reading, and at the last
    first: dt.timedelta
    last: dt.timedelta
    #: its start by the wall clock; None: that was never synced
    wall_start: dt.datetime | None
    #: its first reading is later than this
    floor: dt.datetime = EARLIEST_MOMENT

    @property
    def earliest_start(self) -> dt.datetime:
        return self.floor + _RESOLUTION - self.first


def _stretches(
    batch: ReportBatch, known: Mapping[uuid.UUID, Boot], reported_until: dt.datetime | None
) -> list[_Stretch]:
    """Sort the readings by boot, the one that sends last, and see what came before each."""
    stretches = sorted(_by_boot(batch), key=lambda one: (one.boot_id == batch.sent.boot_id, one.sequence, one.boot_id))
    floor = EARLIEST_MOMENT
    for index, stretch in enumerate(stretches):
        heard_of = [known[later.boot_id].reported_until for later in stretches[index:] if later.boot_id in known]
        floor = max(floor, (heard_of[0] if heard_of else reported_until) or floor)
        stretches[index] = attrs.evolve(stretch, floor=floor)
        boot = known.get(stretch.boot_id)
        floor = max(floor, boot.started_at + stretch.last) if boot else floor + stretch.last - stretch.first
    return stretches


def _by_boot(batch: ReportBatch) -> Iterator[_Stretch]:
    by_boot: dict[uuid.UUID, list[ClockReading]] = {}
    for reading in [*_readings(batch), *batch.waiting, batch.sent]:
        by_boot.setdefault(reading.boot_id, []).append(reading)
    for boot_id, readings in by_boot.items():
        yield _Stretch(
            boot_id=boot_id,
            sequence=readings[0].boot_sequence,
            first=min(map(_elapsed, readings)),
            last=max(map(_elapsed, readings)),
            wall_start=next(filter(None, map(_wall_start, readings)), None),
        )


def _sending_start(stretch: _Stretch, received_at: dt.datetime) -> ObservedMoment:
    fresh = received_at - stretch.last
    at = max(fresh, min(stretch.earliest_start, fresh + MAX_CLOCK_LEAD))
    return ObservedMoment(at=at, source=ObservedAtSource.BOOT_CLOCK)


def _earlier_start(stretch: _Stretch, next_start: dt.datetime, next_reading: dt.datetime) -> ObservedMoment:
    """Take the wall clock if it fits, else the end of the boot for the start of the next one."""
    latest = min(max(next_start - stretch.last, stretch.earliest_start), next_reading - _RESOLUTION - stretch.last)
    latest = max(latest, EARLIEST_MOMENT)
    if stretch.wall_start is not None:
        fitting = min(max(stretch.wall_start, stretch.earliest_start), latest)
        if abs(fitting - stretch.wall_start) <= MAX_CLOCK_LEAD:
            return ObservedMoment(at=fitting, source=ObservedAtSource.DEVICE)
    return ObservedMoment(at=latest, source=ObservedAtSource.UPPER_BOUND)


def _boot(stretch: _Stretch, start: ObservedMoment, reported_until: dt.datetime | None) -> Boot:
    return Boot(boot_id=stretch.boot_id, started_at=start.at, source=start.source, reported_until=reported_until)


def _has_drifted(boot: Boot, sent: ClockReading, received_at: dt.datetime) -> bool:
    return abs(boot.started_at + _elapsed(sent) - received_at) > MAX_CLOCK_LEAD


def _is_news(batch: ReportBatch, sending: Boot, reported_until: dt.datetime | None) -> bool:
    """Say whether the batch tells versions of this boot, and all of them are later than whatever is known."""
    told = [one.first_observed for one in batch.records if any(component.version for component in one.components)]
    of_boot = [_elapsed(reading) for reading in told if reading.boot_id == sending.boot_id]
    return bool(of_boot) and (reported_until is None or sending.started_at + min(of_boot) > reported_until)


def _wall_start(reading: ClockReading) -> dt.datetime | None:
    if reading.clock_state is not ClockState.SYNCED or reading.wall_time is None:
        return None
    return reading.wall_time - _elapsed(reading) if reading.wall_time >= EARLIEST_MOMENT else None


def _readings(batch: ReportBatch) -> Iterator[ClockReading]:
    for record in batch.records:
        yield record.first_observed
        yield record.last_observed or record.first_observed


def _elapsed(reading: ClockReading) -> dt.timedelta:
    return dt.timedelta(milliseconds=reading.boot_time_ms)
