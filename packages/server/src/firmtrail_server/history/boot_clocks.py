"""When the records of a batch were observed. No I/O: a batch and what is remembered of boots go in, moments come out.

A device without a clock battery does not know what time it is, but its boot clock counts from the start of every boot,
through suspension and whatever happens to the wall clock. So one moment is enough for all readings of a boot: its
start. It is found once, by the first of these that applies, and remembered:

* The boot that sends a batch started when that batch was received, less what its boot clock had counted by then:
  `boot_clock`. This is late by the time that the request took.
* An earlier boot started where its readings with a synced clock say (wall_clocks.py): `device`.
* An earlier boot without such a reading ended when the next boot began: `upper_bound`. It may have ended earlier; how
  much, nobody knows.

It is remembered because the next request takes another time: were it found anew, a retry would move moments by
milliseconds, and one that falls into a period of another version would split it.

A spool may be larger than a batch. What waits to be sent then counts for its boot, too: from a part of what happened in
it a boot would seem to have ended early, and its later readings would have no room before the next boot.

Boots do not overlap, and a boot that is new comes after everything that was reported before it was heard of. Where
clocks say otherwise, a boot is moved to where it fits, by five minutes at most; a wall clock that is further off is not
believed. Every reading counts for a moment before that of a later reading.

An agent that cannot read the kernel's boot id draws an id at each of its starts. Two such boots are one boot of the
kernel, and share its start, if the boot clock goes on from the first to the second, and there is no time for the first
between what was reported before and the start of the second, or a synced clock tells the same start of both and the
first goes on after it.

Crystals drift, and a virtual machine that is held counts nothing: the start of the boot that sends is found anew when
it is more than five minutes off. A request that was held up, or sent again, looks the same, so that is done only where
all versions that it tells of the boot are later than whatever is known of the device. What was observed before keeps
the start of before (`stretches`). So does what another boot's batch told of a boot: its readings may count for a moment
before that of the next boot, and then no later report of the device shows how far they went.

A start by which a batch was sent after it was received is too late for certain: the first batch of the boot was held
up. Then it is found anew whatever the batch tells. All that the device has reported until then keeps its moments, and
later readings count for moments after those. The same holds for a boot that would have gone on after the next one
reported, where a batch tells of both.

A boot of which a later one told has ended, whenever its own batches arrive: they count for the time before that boot.
If there is no time for them there, the boot runs now, on another machine.

The first batch of a boot may be held up until later boots have reported. The number of a boot orders only the boots of
one state directory: a device whose state is lost or restored, or another machine with its key, counts anew. So a new
boot is taken for an earlier one only if no other boot has its number, nor that of a boot which its batch tells of, and
one with a higher number was heard of since: after the moment that its synced clock shows, or else after it began by its
boot clock. The first of these comes after it. Without a synced clock, so does the boot heard of last if its number is
the next one, and it was heard of within a day. What the batch tells of older boots must not come after the boot that is
found.
If this was wrong, its next report corrects it: that is made after the other boot was heard of. It does so at once, also
when the start is right by chance: later it would move what that report told.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby, pairwise

import attrs

from firmtrail_contract import ClockReading, ObservedAtSource, ObservedMoment, ReportBatch
from firmtrail_contract.version_periods import EARLIEST_MOMENT, MAX_CLOCK_LEAD
from firmtrail_server.history.boots import Boot, Stretch
from firmtrail_server.history.told_boots import (
    RESOLUTION,
    ToldBoot,
    named_boots,
    numbered_boots,
    observed,
    told_boots,
)
from firmtrail_server.history.wall_clocks import WallStart, elapsed, synced_wall_time, wall_starts, weighed

_NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
#: of a batch that something in between holds up; a state that is restored is older
_LONGEST_WAY = dt.timedelta(days=1)


def are_known(batch: ReportBatch, received_at: dt.datetime, known: Mapping[uuid.UUID, Boot]) -> bool:
    """Say whether a batch tells nothing that is to be remembered of the boots that it names."""
    if not named_boots(batch) <= known.keys():
        return False
    sending = known[batch.sent.boot_id]
    if sending.source is not ObservedAtSource.BOOT_CLOCK or _is_off(sending, batch.sent, received_at):
        return False
    others = [one for one in observed(batch) if one.boot_id != sending.boot_id]
    return all(known[one.boot_id].has_settled(elapsed(one)) for one in others)


def find_boots(
    batch: ReportBatch, received_at: dt.datetime, known: Mapping[uuid.UUID, Boot], reported_until: dt.datetime | None
) -> list[Boot]:
    """Find all boots that the batch names, from the newest to the oldest.

    `known` holds at least those of them that are remembered, boots that have the number of the one that sends, what was
    heard of last beside it, and of those with a higher number what was heard of first after `sent_after`.
    """
    sending, next_boot = known.get(batch.sent.boot_id), _overtaker(batch, received_at, known)
    if sending is None and next_boot is not None:
        reported_until = next_boot.reported_until
    ended = None if sending is None else _ended(sending, batch, received_at, known, reported_until)
    until = _right_until(batch, received_at, known, reported_until) if ended is None else None
    others = {boot_id: boot for boot_id, boot in known.items() if until is None or boot_id != batch.sent.boot_id}
    told = [*reversed(told_boots(batch, received_at, others, reported_until))]
    new = partial(_new_boot, reported_until=reported_until, recorded_at=received_at)
    if sending is None and next_boot is not None:
        ended = new(told[0], _earlier_starts(told[0], next_boot, None)).settled(told[0].last)
    elif sending is not None and until is not None:
        sending = _moved(sending.settled(until - sending.started_at), told[0], received_at, reported_until)
    boots = [ended or sending or new(told[0], _sending_starts(told[0], received_at))]
    for later, one in pairwise(told):
        starts, boot = _earlier_starts(one, boots[-1], later.first), known.get(one.boot_id)
        if boot is None:
            boot = new(one, starts)
        elif _ends_after(boot, one.last, end := boots[-1].first_start + later.first):
            told_until = min(reported_until or EARLIEST_MOMENT, max(end, boot.recorded_at))
            boot = boot.settled(told_until - boot.started_at).moved(starts[-1])
        boots.append(boot.settled(one.last))
    return boots


def moments(batch: ReportBatch, boots: Mapping[uuid.UUID, Boot]) -> Mapping[ClockReading, ObservedMoment]:
    """Tell which moment every reading counts for.

    Those of a boot lie before the next one begins, by the start that it had first: that never moves.
    """
    found: dict[ClockReading, ObservedMoment] = {}
    begin = _NEVER
    readings = sorted({*observed(batch), batch.sent}, key=partial(_place, batch.sent), reverse=True)
    for boot_id, group in groupby(readings, key=lambda one: one.boot_id):
        boot, of_boot = boots[boot_id], [*group]
        for rank, reading in enumerate(of_boot, start=1):
            told = boot.moment(reading)
            latest = begin - rank * RESOLUTION
            found[reading] = told if told.at <= latest else attrs.evolve(told, at=latest)
        begin = min(boot.first_start + elapsed(of_boot[-1]), begin - len(of_boot) * RESOLUTION)
    return {reading: found[reading] for reading in observed(batch)}


def sent_after(sent: ClockReading, received_at: dt.datetime) -> dt.datetime:
    """Say when a batch was sent at the earliest: as its synced clock shows, or else after its boot began."""
    return _made_at(sent, received_at) or received_at - elapsed(sent)


def order(reading: ClockReading) -> tuple[int, int]:
    """Place a reading among all others of its device."""
    return reading.boot_sequence, reading.boot_time_ms


def _place(sent: ClockReading, reading: ClockReading) -> tuple[bool, int, uuid.UUID, int]:
    """Place a reading among those of a batch: boots one after the other, also two of one number; the last one sends."""
    boot_id = reading.boot_id
    return boot_id == sent.boot_id, reading.boot_sequence, boot_id, reading.boot_time_ms


def _sending_start(told: ToldBoot, received_at: dt.datetime) -> Stretch:
    fresh = received_at - told.last
    at = max(fresh, min(told.earliest_start, fresh + MAX_CLOCK_LEAD))
    return Stretch(started_at=at, source=ObservedAtSource.BOOT_CLOCK, until=received_at)


def _sending_starts(told: ToldBoot, received_at: dt.datetime) -> list[Stretch]:
    """Take the server's clock, and before that what several readings say of the time before the machine was held."""
    fresh = _sending_start(told, received_at)
    agreeing = [one.first for one in told.wall_starts if one.agrees_with(fresh.started_at)]
    now = WallStart(at=fresh.started_at, first=min([told.last, *agreeing]), last=told.last, count=0)
    others = [one for one in told.fitting_starts(fresh.started_at) if not one.agrees_with(fresh.started_at)]
    return [*map(_by_wall, weighed(others, sure=now)), fresh]


def _earlier_starts(told: ToldBoot, next_boot: Boot, next_first: dt.timedelta | None) -> list[Stretch]:
    """Take the wall clock if it fits, else the end of the boot for the start of the next one.

    `next_first` is what the next boot's clock showed at its first reading; None: that is not in the batch.
    """
    next_start = min(next_boot.first_start, next_boot.started_at)
    if next_first is not None and told.is_one_with(next_start, next_first):
        return [Stretch(started_at=next_start, source=next_boot.source, until=next_start + told.last)]
    next_reading = next_start + (next_first or dt.timedelta())
    latest = min(max(next_start - told.last, told.earliest_start), next_reading - RESOLUTION - told.last)
    latest = max(latest, EARLIEST_MOMENT)
    if right := weighed(told.fitting_starts(latest)):
        return [*map(_by_wall, right)]
    return [Stretch(started_at=latest, source=ObservedAtSource.UPPER_BOUND, until=latest + told.last)]


def _by_wall(start: WallStart) -> Stretch:
    return Stretch(started_at=start.at, source=ObservedAtSource.DEVICE, until=start.at + start.last)


def _new_boot(
    told: ToldBoot, starts: Sequence[Stretch], *, reported_until: dt.datetime | None, recorded_at: dt.datetime
) -> Boot:
    return Boot(
        boot_id=told.boot_id,
        boot_sequence=told.sequence,
        started_at=starts[-1].started_at,
        source=starts[-1].source,
        reported_until=reported_until,
        recorded_at=recorded_at,
        stretches=tuple(starts[:-1]),
    )


def _overtaker(batch: ReportBatch, received_at: dt.datetime, known: Mapping[uuid.UUID, Boot]) -> Boot | None:
    """Find the boot after the one that sends, if the batch was held up until after that one had reported."""
    sent, newest = batch.sent, _newest(known, batch.sent.boot_id)
    numbers = numbered_boots(batch)
    if any(numbers.get(boot.boot_sequence, boot.boot_id) != boot.boot_id for boot in known.values()):
        return None  # numbers count anew
    since = sent_after(sent, received_at)
    later = [one for one in known.values() if (one.boot_sequence or 0) > sent.boot_sequence and one.recorded_at > since]
    if newest is not None and _is_next(newest, sent, received_at):
        later.append(newest)
    overtaker = min(later, key=lambda one: (one.recorded_at, one.boot_sequence or 0), default=None)
    if overtaker is None:
        return None
    told = [known[one.boot_id].moment(one).at for one in observed(batch) if one.boot_id in known]
    return overtaker if max(told, default=EARLIEST_MOMENT) <= overtaker.first_start else None


def _ended(
    sending: Boot,
    batch: ReportBatch,
    received_at: dt.datetime,
    known: Mapping[uuid.UUID, Boot],
    reported_until: dt.datetime | None,
) -> Boot | None:
    """Place a batch of a boot that had ended when another batch first told of it, if there is time for it before that.

    What the other batch told of the boot keeps its moment.
    """
    later = [one for one in known.values() if one.recorded_at == sending.recorded_at and _is_higher(one, sending)]
    if not later:
        return None
    next_boot = min(later, key=lambda one: one.boot_sequence or 0)
    told = told_boots(batch, received_at, known, reported_until)[-1]
    if min(next_boot.first_start, next_boot.started_at) - told.last < told.earliest_start - MAX_CLOCK_LEAD:
        return None
    is_bound = sending.source is ObservedAtSource.UPPER_BOUND and not sending.has_settled(told.last)
    if is_bound or _ends_after(sending, told.last, next_boot.first_start):
        sending = sending.moved(_earlier_starts(told, next_boot, None)[-1])
    return sending.settled(told.last)


def _is_higher(one: Boot, other: Boot) -> bool:
    return one.boot_sequence is not None and one.boot_sequence > (other.boot_sequence or 0)


def _is_next(newest: Boot, sent: ClockReading, received_at: dt.datetime) -> bool:
    """Say whether the number of the boot heard of last is the next one, and no synced clock tells more."""
    is_recent = received_at < newest.recorded_at + _LONGEST_WAY
    return newest.boot_sequence == sent.boot_sequence + 1 and is_recent and _made_at(sent, received_at) is None


def _made_at(sent: ClockReading, received_at: dt.datetime) -> dt.datetime | None:
    made_at = synced_wall_time(sent)
    return made_at if made_at is not None and made_at <= received_at + MAX_CLOCK_LEAD else None


def _newest(known: Mapping[uuid.UUID, Boot], sending: uuid.UUID) -> Boot | None:
    """The boot that was heard of last, beside the one that sends."""
    others = [boot for boot in known.values() if boot.boot_id != sending]
    return max(others, key=lambda one: (one.recorded_at, one.boot_sequence or 0), default=None)


def _moved(sending: Boot, told: ToldBoot, received_at: dt.datetime, reported_until: dt.datetime | None) -> Boot:
    return attrs.evolve(
        sending,
        started_at=received_at - told.last,
        source=ObservedAtSource.BOOT_CLOCK,
        reported_until=reported_until,
        boot_sequence=told.sequence,
    )


def _ends_after(boot: Boot, last: dt.timedelta, next_reading: dt.datetime) -> bool:
    """Say whether a boot would have gone on after the next one reported: its start is too late for certain."""
    return boot.moment_after(last).at > next_reading + MAX_CLOCK_LEAD and not boot.has_settled(last)


def _right_until(
    batch: ReportBatch, received_at: dt.datetime, known: Mapping[uuid.UUID, Boot], reported_until: dt.datetime | None
) -> dt.datetime | None:
    """Say until when the start of the boot that sends was right, if it is to be found anew."""
    sending, newest = known.get(batch.sent.boot_id), _newest(known, batch.sent.boot_id)
    if sending is None:
        return None
    if _starts_too_late(sending, batch.sent, received_at):
        return reported_until or EARLIEST_MOMENT
    if _is_behind(sending, batch.sent, received_at) and _is_news(batch, sending, reported_until):
        return max([_told_from(batch, sending) - RESOLUTION, *_agreeing(batch, sending, received_at)])
    if newest is not None and _runs_after(sending, batch.sent, newest):
        return newest.recorded_at + MAX_CLOCK_LEAD
    return None


def _agreeing(batch: ReportBatch, sending: Boot, received_at: dt.datetime) -> Iterator[dt.datetime]:
    """Find the moments of synced readings that agree with the start that is remembered, not with the new one."""
    readings = [one for one in observed(batch) if one.boot_id == sending.boot_id]
    fresh = received_at - elapsed(batch.sent)
    for one in wall_starts(readings):
        if one.agrees_with(sending.started_at) and abs(one.at - sending.started_at) < abs(one.at - fresh):
            yield sending.started_at + one.last


def _is_off(boot: Boot, sent: ClockReading, received_at: dt.datetime) -> bool:
    if abs(boot.moment(sent).at - received_at) <= MAX_CLOCK_LEAD:
        return False
    return _starts_too_late(boot, sent, received_at) or _is_behind(boot, sent, received_at)


def _starts_too_late(boot: Boot, sent: ClockReading, received_at: dt.datetime) -> bool:
    """Say whether the batch would have been sent after it was received."""
    up = elapsed(sent)
    return boot.started_at + up > received_at + MAX_CLOCK_LEAD and not boot.has_settled(up)


def _is_behind(boot: Boot, sent: ClockReading, received_at: dt.datetime) -> bool:
    """Say whether the batch was held up, or the machine was held and counted nothing."""
    return received_at - boot.moment(sent).at > MAX_CLOCK_LEAD


def _is_news(batch: ReportBatch, sending: Boot, reported_until: dt.datetime | None) -> bool:
    """Say whether the batch tells versions of this boot, and all of them are later than whatever is known."""
    return (reported_until or EARLIEST_MOMENT) < _told_from(batch, sending) < _NEVER


def _told_from(batch: ReportBatch, sending: Boot) -> dt.datetime:
    """The first moment of this boot of which the batch tells a version."""
    told = [one.first_observed for one in batch.records if any(component.version for component in one.components)]
    return min([sending.moment(reading).at for reading in told if reading.boot_id == sending.boot_id], default=_NEVER)


def _runs_after(sending: Boot, sent: ClockReading, newest: Boot) -> bool:
    """Say whether a boot that was taken for an earlier one sends after the newest one was heard of."""
    is_earlier = sending.source is not ObservedAtSource.BOOT_CLOCK
    return is_earlier and sending.moment(sent).at > newest.recorded_at + MAX_CLOCK_LEAD
