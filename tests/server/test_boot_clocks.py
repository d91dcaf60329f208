"""When the records of a batch were observed: the rules one by one."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import pytest

from firmtrail_contract import (
    ClockReading,
    ClockState,
    ObservedAtSource,
    ReportBatch,
)
from firmtrail_server.boot_clocks import Boot, are_known, find_boots, moments
from firmtrail_server.meaning import MAX_CLOCK_LEAD
from tests.server.batching import NOW, ago, batch, reading, record

HOUR = 3_600_000


def boot(number: int, started_at: dt.datetime, reported_until: dt.datetime | None = None) -> Boot:
    return Boot(
        boot_id=uuid.UUID(int=number),
        started_at=started_at,
        source=ObservedAtSource.BOOT_CLOCK,
        reported_until=reported_until,
    )


def told(sent: ClockReading, readings: Sequence[ClockReading], *boots: Boot) -> list[tuple[dt.datetime, str]]:
    """The moments of readings in a batch that is received at NOW."""
    sending = batch(sent, *map(record, readings))
    known = find_boots(sending, NOW, {one.boot_id: one for one in boots}, None)
    found = moments(sending, {one.boot_id: one for one in known})
    return [(found[reading].at, found[reading].source.value) for reading in readings]


def test_a_reading_of_the_boot_that_sends_is_exact_without_any_wall_clock() -> None:
    assert told(reading(7, 5 * HOUR), [reading(7, 2 * HOUR), reading(7, 5 * HOUR)]) == [
        (ago(hours=3), "boot_clock"),
        (NOW, "boot_clock"),
    ]


def test_a_wall_clock_of_the_boot_that_sends_does_not_matter() -> None:
    wrong = dt.datetime(2031, 1, 1, tzinfo=dt.UTC)

    assert told(reading(7, 5 * HOUR, wall=wrong), [reading(7, 2 * HOUR, wall=wrong)]) == [(ago(hours=3), "boot_clock")]


def test_an_earlier_boot_with_a_synced_clock_is_told_by_that() -> None:
    assert told(reading(7, HOUR), [reading(6, HOUR, wall=ago(days=2))]) == [(ago(days=2), "device")]


def test_one_synced_reading_is_enough_for_all_of_its_boot() -> None:
    readings = [reading(6, HOUR), reading(6, 2 * HOUR, wall=ago(days=2)), reading(6, 4 * HOUR)]

    assert told(reading(7, HOUR), readings) == [
        (ago(days=2, hours=1), "device"),
        (ago(days=2), "device"),
        (ago(days=2) + dt.timedelta(hours=2), "device"),
    ]


def test_an_earlier_boot_without_a_clock_ended_when_the_next_one_began_at_the_latest() -> None:
    readings = [reading(5, HOUR), reading(5, 2 * HOUR), reading(6, 3 * HOUR)]

    assert told(reading(7, 10 * HOUR), readings) == [
        (ago(hours=14), "upper_bound"),
        (ago(hours=13), "upper_bound"),
        (ago(hours=10), "upper_bound"),
    ]


def test_a_boot_ended_after_what_waits_to_be_sent_in_a_later_batch() -> None:
    first, waiting, sent = reading(6, 1 * HOUR), reading(6, 9 * HOUR), reading(7, 1 * HOUR)
    sending = batch(sent, record(first), waiting=[waiting])

    known = {one.boot_id: one for one in find_boots(sending, NOW, {}, None)}

    assert moments(sending, known)[first].at == ago(hours=9)
    assert moments(batch(sent, record(waiting)), known)[waiting].at == ago(hours=1)


def test_a_boot_without_a_clock_lies_before_the_next_one_that_had_one() -> None:
    readings = [reading(5, HOUR), reading(6, HOUR, wall=ago(days=2))]

    assert told(reading(7, HOUR), readings)[0] == (ago(days=2, hours=1), "upper_bound")


@pytest.mark.parametrize("state", [ClockState.UNSYNCED, ClockState.IMPLAUSIBLE])
def test_a_clock_that_was_not_synced_is_not_believed(state: ClockState) -> None:
    assert told(reading(7, HOUR), [reading(6, HOUR, wall=ago(days=2), state=state)]) == [(ago(hours=1), "upper_bound")]


@pytest.mark.parametrize("wall", [dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, tzinfo=dt.UTC)])
def test_a_synced_clock_that_is_out_of_all_bounds_is_not_believed(wall: dt.datetime) -> None:
    assert told(reading(7, HOUR), [reading(6, HOUR, wall=wall)]) == [(ago(hours=1), "upper_bound")]


def test_a_synced_clock_that_is_a_little_ahead_of_the_next_boot_is_moved_to_where_it_fits() -> None:
    assert told(reading(7, HOUR), [reading(6, HOUR, wall=ago(minutes=57))]) == [(ago(hours=1), "device")]


def test_a_synced_clock_that_is_a_little_behind_earlier_reports_is_moved_to_where_it_fits() -> None:
    running = boot(7, ago(hours=1), reported_until=ago(hours=30))

    (found,) = told(reading(7, HOUR), [reading(6, 0, wall=ago(hours=30, minutes=3))], running)

    assert found == (ago(hours=30) + dt.timedelta(microseconds=1), "device")


def test_a_synced_clock_that_is_far_behind_earlier_reports_is_not_believed() -> None:
    running = boot(7, ago(hours=1), reported_until=ago(hours=30))

    (found,) = told(reading(7, HOUR), [reading(6, HOUR, wall=ago(days=30))], running)

    assert found == (ago(hours=1), "upper_bound")


def test_a_synced_clock_that_is_far_behind_a_remembered_boot_is_not_believed() -> None:
    readings = [reading(5, HOUR), reading(6, HOUR, wall=ago(days=30))]

    assert told(reading(7, HOUR), readings, boot(5, ago(days=3))) == [
        (ago(days=3) + dt.timedelta(hours=1), "boot_clock"),
        (ago(hours=1), "upper_bound"),
    ]


def test_a_reading_counts_for_a_moment_before_that_of_a_later_one() -> None:
    late_by_minutes = boot(6, ago(hours=2) + dt.timedelta(minutes=4))
    readings = [reading(6, HOUR), reading(7, 1000)]

    first, second = told(reading(7, HOUR), readings, late_by_minutes)

    assert first[0] < second[0]


def test_a_remembered_boot_is_told_by_what_is_remembered_though_its_wall_clock_was_synced() -> None:
    (found,) = told(reading(7, HOUR), [reading(6, HOUR, wall=ago(days=2))], boot(6, ago(days=3)))

    assert found == (ago(days=3) + dt.timedelta(hours=1), "boot_clock")


def test_a_boot_of_many_years_before_2000_does_not_overflow() -> None:
    twenty_years = 20 * 365 * 24 * HOUR

    found = told(reading(70, twenty_years), [reading(number, twenty_years) for number in range(1, 64)])

    assert all(dt.datetime(2000, 1, 1, tzinfo=dt.UTC) <= at <= NOW for at, _ in found)


def sending_boot(sending: ReportBatch, known: Boot | None, reported_until: dt.datetime | None) -> Boot:
    return find_boots(sending, NOW, {known.boot_id: known} if known else {}, reported_until)[0]


@pytest.mark.parametrize("drift", [MAX_CLOCK_LEAD, -MAX_CLOCK_LEAD])
def test_a_remembered_start_is_kept_while_the_boot_clock_has_not_drifted_by_five_minutes(drift: dt.timedelta) -> None:
    known = {uuid.UUID(int=7): boot(7, ago(hours=1))}

    assert are_known(batch(reading(7, HOUR)), NOW + drift, known)
    assert sending_boot(batch(reading(7, HOUR)), boot(7, ago(hours=1) + drift), NOW) == boot(7, ago(hours=1) + drift)


@pytest.mark.parametrize("drift", [MAX_CLOCK_LEAD, -MAX_CLOCK_LEAD])
def test_a_drifted_boot_gets_a_new_start(drift: dt.timedelta) -> None:
    drifted = boot(7, ago(hours=1) + drift * 1.001, reported_until=ago(days=1))
    sending = batch(reading(7, HOUR), record(reading(7, HOUR)))

    assert not are_known(sending, NOW, {drifted.boot_id: drifted})
    assert sending_boot(sending, drifted, ago(minutes=30)) == boot(7, ago(hours=1), ago(minutes=30))


@pytest.mark.parametrize("late", [dt.timedelta(minutes=6), dt.timedelta(days=20)])
def test_a_request_that_was_held_up_or_is_sent_again_does_not_count_as_drift(late: dt.timedelta) -> None:
    known = boot(7, ago(hours=1) - late)
    sent_again = batch(reading(7, HOUR), record(reading(7, HOUR - 1000)))

    assert sending_boot(sent_again, known, known.started_at + dt.timedelta(milliseconds=HOUR - 1000)) == known
    assert sending_boot(sent_again, known, known.started_at + dt.timedelta(days=1)) == known
    assert sending_boot(sent_again, known, known.started_at) == boot(7, ago(hours=1), known.started_at)


def test_a_batch_with_a_boot_that_was_not_there_before_has_something_to_remember() -> None:
    running = boot(7, ago(hours=1))

    assert not are_known(batch(reading(7, HOUR), record(reading(6, HOUR))), NOW, {running.boot_id: running})


def test_a_new_boot_begins_after_what_was_reported_before_though_that_counts_for_a_moment_too_late() -> None:
    found = sending_boot(batch(reading(7, 60_000), record(reading(7, 10_000))), None, NOW)

    assert found.started_at == ago(seconds=10) + dt.timedelta(microseconds=1)


def test_a_new_boot_is_moved_by_no_more_than_five_minutes() -> None:
    found = sending_boot(batch(reading(7, 60_000)), None, NOW + dt.timedelta(days=1))

    assert found.started_at == ago(minutes=1) + MAX_CLOCK_LEAD
