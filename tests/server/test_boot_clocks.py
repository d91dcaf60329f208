"""When the records of a batch were observed: the rules one by one."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs
import pytest

from firmtrail_contract import (
    ClockReading,
    ClockState,
    ObservedAtSource,
    ReportBatch,
)
from firmtrail_contract.version_periods import MAX_CLOCK_LEAD
from firmtrail_server.history.boot_clocks import are_known, find_boots, moments
from firmtrail_server.history.boots import Boot
from tests.server.batching import NOW, ago, batch, reading, record

HOUR = 3_600_000
MINUTE = 60_000
LONG_AGO = ago(days=30)


def boot(
    number: int,
    started_at: dt.datetime,
    reported_until: dt.datetime | None = None,
    *,
    sequence: int | None = None,
    recorded_at: dt.datetime = LONG_AGO,
) -> Boot:
    return Boot(
        boot_id=uuid.UUID(int=number),
        started_at=started_at,
        source=ObservedAtSource.BOOT_CLOCK,
        reported_until=reported_until,
        boot_sequence=sequence,
        recorded_at=recorded_at,
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
    found = sending_boot(sending, drifted, ago(minutes=30))
    assert (found.started_at, found.reported_until) == (ago(hours=1), ago(minutes=30))


@pytest.mark.parametrize("late", [dt.timedelta(minutes=6), dt.timedelta(days=20)])
def test_a_request_that_was_held_up_or_is_sent_again_does_not_count_as_drift(late: dt.timedelta) -> None:
    known = boot(7, ago(hours=1) - late)
    sent_again = batch(reading(7, HOUR), record(reading(7, HOUR - 1000)))

    assert sending_boot(sent_again, known, known.started_at + dt.timedelta(milliseconds=HOUR - 1000)) == known
    assert sending_boot(sent_again, known, known.started_at + dt.timedelta(days=1)) == known
    assert sending_boot(sent_again, known, known.started_at).started_at == ago(hours=1)


def test_a_batch_with_a_boot_that_was_not_there_before_has_something_to_remember() -> None:
    running = boot(7, ago(hours=1))

    assert not are_known(batch(reading(7, HOUR), record(reading(6, HOUR))), NOW, {running.boot_id: running})


def test_a_new_boot_begins_after_what_was_reported_before_though_that_counts_for_a_moment_too_late() -> None:
    found = sending_boot(batch(reading(7, 60_000), record(reading(7, 10_000))), None, NOW)

    assert found.started_at == ago(seconds=10) + dt.timedelta(microseconds=1)


def test_a_new_boot_is_moved_by_no_more_than_five_minutes() -> None:
    found = sending_boot(batch(reading(7, 60_000)), None, NOW + dt.timedelta(days=1))

    assert found.started_at == ago(minutes=1) + MAX_CLOCK_LEAD


def test_a_synced_reading_that_a_later_one_contradicts_decides_nothing() -> None:
    readings = [reading(6, HOUR, wall=ago(days=3)), reading(6, 2 * HOUR, wall=ago(days=2))]

    assert told(reading(7, HOUR), readings) == [(ago(days=2, hours=1), "device"), (ago(days=2), "device")]


@pytest.mark.parametrize("wrong", range(4))
@pytest.mark.parametrize("off", [dt.timedelta(days=-1), dt.timedelta(days=1), dt.timedelta(days=-300)])
def test_one_synced_reading_that_all_others_contradict_decides_nothing(wrong: int, off: dt.timedelta) -> None:
    walls = [ago(days=2, hours=-hour) + (off if hour == wrong else dt.timedelta()) for hour in range(4)]
    readings = [reading(6, hour * HOUR, wall=wall) for hour, wall in enumerate(walls)]

    assert told(reading(7, HOUR), readings) == [(ago(days=2, hours=-hour), "device") for hour in range(4)]


@pytest.mark.parametrize("wrong", range(4))
def test_one_synced_reading_that_is_wrong_decides_nothing_in_the_boot_that_sends(wrong: int) -> None:
    walls = [ago(hours=4 - hour, days=hour == wrong) for hour in range(4)]
    readings = [reading(7, hour * HOUR, wall=wall) for hour, wall in enumerate(walls)]

    found = told(reading(7, 4 * HOUR, wall=NOW), readings)

    assert found == [(ago(hours=4 - hour), "boot_clock") for hour in range(4)]


def test_a_machine_that_was_held_for_days_is_told_by_synced_readings_on_both_sides() -> None:
    before = [reading(7, hour * HOUR, wall=ago(days=3, hours=4 - hour)) for hour in (1, 2)]
    after = [reading(7, 3 * HOUR, wall=ago(hours=1))]

    assert told(reading(7, 4 * HOUR, wall=NOW), [*before, *after]) == [
        (ago(days=3, hours=3), "device"),
        (ago(days=3, hours=2), "device"),
        (ago(hours=1), "boot_clock"),
    ]


def test_one_synced_reading_before_a_machine_was_held_is_too_few_and_the_boot_clock_counts() -> None:
    readings = [reading(7, 2 * HOUR, wall=ago(days=3, hours=2)), reading(7, 3 * HOUR, wall=ago(hours=1))]

    found = told(reading(7, 4 * HOUR, wall=NOW), readings)

    assert found == [(ago(hours=2), "boot_clock"), (ago(hours=1), "boot_clock")]


def test_an_earlier_boot_that_was_held_is_told_by_synced_readings_on_both_sides() -> None:
    before = [reading(6, hour * HOUR, wall=ago(days=9, hours=4 - hour)) for hour in (1, 2)]
    after = [reading(6, hour * HOUR, wall=ago(days=6, hours=4 - hour)) for hour in (3, 4)]

    found = told(reading(7, HOUR), [*before, *after])

    assert [at for at, _ in found] == [ago(days=9, hours=3), ago(days=9, hours=2), ago(days=6, hours=1), ago(days=6)]


def test_a_machine_that_was_held_since_it_reported_needs_one_synced_reading() -> None:
    known = boot(7, ago(days=3, hours=4), reported_until=ago(days=4))
    readings = [reading(7, 2 * HOUR, wall=ago(days=3, hours=2)), reading(7, 3 * HOUR, wall=ago(hours=1))]
    sending = batch(reading(7, 4 * HOUR, wall=NOW), *map(record, readings))

    (found,) = find_boots(sending, NOW, {known.boot_id: known}, ago(days=3, hours=3))

    assert [moments(sending, {found.boot_id: found})[one].at for one in readings] == [
        ago(days=3, hours=2),
        ago(hours=1),
    ]


def test_what_was_told_before_a_boot_drifted_keeps_its_moment() -> None:
    known = boot(7, ago(days=3, hours=4))
    first = batch(reading(7, HOUR), record(reading(7, HOUR)))
    later = batch(reading(7, 4 * HOUR), record(reading(7, 3 * HOUR)))
    before = moments(first, {known.boot_id: known})

    (moved,) = find_boots(later, NOW, {known.boot_id: known}, ago(days=3, hours=3))

    assert moved.started_at == ago(hours=4)
    assert moments(first, {moved.boot_id: moved}) == before


@pytest.mark.parametrize("up", [5 * MINUTE + 1, 10 * HOUR])
def test_a_boot_that_sends_keeps_what_another_boot_told(up: int) -> None:
    early, late = (batch(reading(7, 0), record(reading(6, ms)), record(reading(7, 0))) for ms in (0, 5 * MINUTE + 1))
    known: dict[uuid.UUID, Boot] = {}
    for told in (early, late):
        known |= {one.boot_id: one for one in find_boots(told, NOW, known, None)}
    before = moments(late, known)

    known |= {one.boot_id: one for one in find_boots(batch(reading(6, up)), NOW, known, NOW)}

    assert moments(late, known) == before


def test_a_batch_that_tells_more_of_another_boot_is_remembered() -> None:
    early, late = (batch(reading(7, 0), record(reading(6, ms))) for ms in (1, 2))
    known = {one.boot_id: one for one in find_boots(early, NOW, {}, None)}

    assert are_known(early, NOW, known)
    assert not are_known(late, NOW, known)
    known |= {one.boot_id: one for one in find_boots(late, NOW, known, None)}
    assert are_known(late, NOW, known)


def test_a_boot_that_is_told_more_often_keeps_one_stretch() -> None:
    known: dict[uuid.UUID, Boot] = {}
    for ms in range(5):
        told = batch(reading(7, 0), record(reading(6, ms)))
        known |= {one.boot_id: one for one in find_boots(told, NOW, known, None)}

    assert [len(known[uuid.UUID(int=number)].stretches) for number in (6, 7)] == [1, 0]


def test_starts_of_an_agent_without_a_boot_id_that_share_a_boot_clock_share_its_start() -> None:
    (found,) = told(
        reading(7, 100 * HOUR),
        [reading(6, 60 * HOUR)],
        boot(5, ago(hours=100)),
        boot(7, ago(hours=100), reported_until=ago(hours=50)),
    )

    assert found == (ago(hours=40), "boot_clock")


@pytest.mark.parametrize("reported", [ago(hours=101), ago(hours=99, minutes=58), ago(hours=60)])
def test_starts_of_an_agent_without_a_boot_id_are_one_boot_where_there_is_no_time_for_two(
    reported: dt.datetime,
) -> None:
    sent, readings = reading(7, 100 * HOUR), [reading(5, 50 * HOUR), reading(6, 60 * HOUR), reading(6, 90 * HOUR)]
    sending = batch(sent, *map(record, readings))

    found = moments(sending, {one.boot_id: one for one in find_boots(sending, NOW, {}, reported)})

    assert [found[one].at for one in readings] == [ago(hours=50), ago(hours=40), ago(hours=10)]
    assert {found[one].source for one in readings} == {ObservedAtSource.BOOT_CLOCK}


def test_a_boot_that_has_time_before_the_next_one_is_a_boot_of_its_own() -> None:
    sending = batch(reading(7, 100 * HOUR), record(reading(6, 60 * HOUR)))

    found = find_boots(sending, NOW, {}, ago(hours=161))

    assert (found[1].started_at, found[1].source) == (ago(hours=160), ObservedAtSource.UPPER_BOUND)


def test_a_start_of_an_agent_without_a_boot_id_that_may_be_a_boot_is_labelled_a_bound() -> None:
    ((at, source),) = told(reading(7, 100 * HOUR), [reading(6, 60 * HOUR)])

    as_one_boot, counted = ago(hours=40), dt.timedelta(hours=60)
    assert source == "upper_bound"
    assert as_one_boot - counted <= at <= as_one_boot


def test_starts_of_an_agent_without_a_boot_id_share_a_start_that_a_synced_clock_tells() -> None:
    readings = [reading(6, 60 * HOUR, wall=ago(hours=40)), reading(6, 61 * HOUR)]

    assert told(reading(7, 100 * HOUR), readings) == [(ago(hours=40), "boot_clock"), (ago(hours=39), "boot_clock")]


def late_first_batch(sent: ClockReading, *known: Boot) -> tuple[dt.datetime, str]:
    sending = batch(sent, record(sent))
    (found,) = find_boots(sending, NOW, {one.boot_id: one for one in known}, ago(minutes=1))
    moment = moments(sending, {found.boot_id: found})[sent]
    return moment.at, moment.source.value


NEXT = boot(7, ago(minutes=3), reported_until=ago(hours=9), sequence=7, recorded_at=ago(minutes=2))


def test_the_first_batch_of_a_boot_that_comes_after_the_next_boot_counts_for_the_time_before() -> None:
    found = late_first_batch(reading(6, 60_000), NEXT)

    assert found == (ago(minutes=3) - dt.timedelta(microseconds=1), "upper_bound")


@pytest.mark.parametrize("wall", [None, ago(minutes=8)])
def test_it_does_so_though_more_boots_have_reported_since(wall: dt.datetime | None) -> None:
    late = reading(6, 10 * MINUTE, wall=wall)
    since = [boot(one, ago(seconds=70), ago(minutes=2), sequence=one, recorded_at=ago(minutes=1)) for one in (3, 8)]

    assert late_first_batch(late, NEXT, *since) == late_first_batch(late, NEXT)


def test_it_comes_before_what_the_next_boot_told_of() -> None:
    told_of = boot(7, ago(hours=9), sequence=7, recorded_at=NEXT.recorded_at)
    sender = attrs.evolve(NEXT, boot_id=uuid.UUID(int=8), boot_sequence=8)

    assert late_first_batch(reading(6, 10 * MINUTE), told_of, sender)[0] < told_of.started_at


def test_a_boot_that_was_heard_of_before_it_began_is_no_later_one_whatever_its_number() -> None:
    before = boot(7, ago(days=3), sequence=7, recorded_at=ago(days=2))
    since = boot(8, ago(minutes=3), sequence=8, recorded_at=ago(minutes=2))

    assert before.started_at < late_first_batch(reading(6, 10 * MINUTE), before, since)[0] < since.started_at


def test_such_a_batch_with_a_synced_clock_counts_for_its_own_moment() -> None:
    assert late_first_batch(reading(6, 60_000, wall=ago(minutes=8)), NEXT) == (ago(minutes=8), "device")


def test_a_boot_that_began_before_a_later_one_was_heard_of_is_an_earlier_one() -> None:
    assert late_first_batch(reading(3, HOUR), NEXT)[0] < NEXT.started_at


def test_a_boot_whose_synced_clock_is_later_than_the_boot_heard_of_last_runs_now() -> None:
    assert late_first_batch(reading(6, 60_000, wall=NOW), NEXT) == (NOW, "boot_clock")


@pytest.mark.parametrize(("hours", "source"), [(23, "upper_bound"), (25, "boot_clock")])
def test_a_restored_state_looks_like_a_batch_that_was_held_up_and_is_told_from_it_by_a_day(
    hours: int, source: str
) -> None:
    heard_of = boot(7, ago(hours=26), reported_until=ago(days=9), sequence=7, recorded_at=ago(hours=hours))

    assert late_first_batch(reading(6, 60_000), heard_of)[1] == source


@pytest.mark.parametrize("number", [1, 6])
def test_a_boot_of_a_lost_or_restored_state_runs_now(number: int) -> None:
    before = boot(99, ago(days=9), sequence=number, recorded_at=ago(days=9))

    assert late_first_batch(reading(number, 60_000), NEXT, before) == (NOW, "boot_clock")


def test_a_boot_of_a_lost_state_runs_now_though_its_number_was_never_heard() -> None:
    assert late_first_batch(reading(1, 60_000), NEXT) == (NOW, "boot_clock")


@pytest.mark.parametrize("reported_until", [ago(minutes=1), NOW + dt.timedelta(minutes=58)])
def test_a_boot_that_was_wrongly_taken_for_an_earlier_one_runs_now_at_its_next_report(
    reported_until: dt.datetime,
) -> None:
    other = boot(7, ago(minutes=20), reported_until=ago(hours=9), sequence=7, recorded_at=ago(minutes=19))
    first = batch(reading(6, 60_000), record(reading(6, 60_000)))
    (taken,) = find_boots(first, NOW, {other.boot_id: other}, ago(minutes=1))
    known = {other.boot_id: other, taken.boot_id: taken}
    later, received_at = batch(reading(6, HOUR), record(reading(6, HOUR))), NOW + dt.timedelta(minutes=59)

    (found,) = find_boots(later, received_at, known, reported_until)

    assert moments(later, {found.boot_id: found})[later.sent].at == received_at
    assert moments(first, {found.boot_id: found}) == moments(first, {taken.boot_id: taken})


def test_a_boot_wrongly_taken_for_an_earlier_one_is_corrected_without_drift() -> None:
    before_it = ago(minutes=20, milliseconds=1)
    other = boot(7, ago(minutes=20), reported_until=ago(hours=9), sequence=7, recorded_at=before_it)
    (taken,) = find_boots(batch(reading(6, 0)), ago(minutes=20), {other.boot_id: other}, ago(minutes=21))
    known = {other.boot_id: other, taken.boot_id: taken}
    sent = batch(reading(6, 16 * MINUTE), record(reading(6, 15 * MINUTE)))
    known |= {one.boot_id: one for one in find_boots(sent, ago(minutes=4), known, ago(minutes=21))}
    before = moments(sent, known)

    held_up = batch(reading(6, 17 * MINUTE))
    known |= {one.boot_id: one for one in find_boots(held_up, NOW + MAX_CLOCK_LEAD, known, ago(minutes=5))}

    assert moments(sent, known) == before
    assert {one.source for one in before.values()} == {ObservedAtSource.BOOT_CLOCK}


TOLD_BEFORE = [
    boot(6, ago(hours=3), reported_until=ago(days=30), sequence=6, recorded_at=ago(hours=1)),
    boot(7, ago(hours=2), reported_until=ago(days=30), sequence=7, recorded_at=ago(hours=1)),
]


def known_later(sent: ClockReading, readings: Sequence[ClockReading], *boots: Boot) -> list[Boot]:
    """What is known after a batch, the boots that it does not name included."""
    sending = batch(sent, *map(record, readings))
    found = find_boots(sending, NOW, {one.boot_id: one for one in boots}, ago(hours=1))
    return [*({one.boot_id: one for one in boots} | {one.boot_id: one for one in found}).values()]


def test_a_boot_whose_first_batch_was_held_up_ended_before_the_next_one_reports() -> None:
    late = boot(6, ago(hours=1), sequence=6, recorded_at=ago(minutes=50))
    readings = [reading(6, 0), reading(6, 30 * HOUR), reading(7, MINUTE)]

    found = told(reading(7, 20 * MINUTE), readings, late)

    assert found[1:] == [(ago(minutes=20), "upper_bound"), (ago(minutes=19), "boot_clock")]
    assert found[0][0] < found[1][0]


def test_it_tells_nothing_of_the_future_when_it_sends_again() -> None:
    late = boot(6, ago(hours=1), sequence=6, recorded_at=ago(minutes=50))
    known = known_later(reading(7, 20 * MINUTE), [reading(6, 30 * HOUR), reading(7, MINUTE)], late)

    found = told(reading(6, 31 * HOUR), [reading(6, 30 * HOUR)], *known)

    assert found[0][0] <= ago(minutes=19)


@pytest.mark.parametrize("source", [ObservedAtSource.UPPER_BOUND, ObservedAtSource.DEVICE])
def test_a_batch_of_a_boot_that_a_later_one_told_of_was_held_up(source: ObservedAtSource) -> None:
    six, seven = attrs.evolve(TOLD_BEFORE[0], source=source).settled(dt.timedelta(minutes=5)), TOLD_BEFORE[1]
    readings = [reading(6, 5 * MINUTE), reading(6, 90 * MINUTE)]

    found = told(reading(6, 100 * MINUTE), readings, six, seven)

    assert found[0] == (six.started_at + dt.timedelta(minutes=5), source.value)
    assert found[0][0] < found[1][0] < ago(hours=2)


def test_what_it_told_keeps_its_moment_when_more_of_its_batches_arrive() -> None:
    six, seven = TOLD_BEFORE[0].settled(dt.timedelta(minutes=5)), TOLD_BEFORE[1]
    before = told(reading(6, 100 * MINUTE), [reading(6, 90 * MINUTE)], six, seven)
    known = known_later(reading(6, 100 * MINUTE), [reading(6, 90 * MINUTE)], six, seven)
    known = known_later(reading(6, 500 * MINUTE), [reading(6, 400 * MINUTE)], *known)

    assert told(reading(6, 100 * MINUTE), [reading(6, 90 * MINUTE)], *known) == before


def test_a_boot_that_a_later_one_told_of_runs_now_if_there_is_no_time_for_it_before() -> None:
    told_of = [attrs.evolve(one, reported_until=ago(hours=3)) for one in TOLD_BEFORE]

    found = told(reading(6, 2 * HOUR), [reading(6, 0), reading(6, 2 * HOUR)], *told_of)

    assert found[1] == (NOW, "boot_clock")


def test_a_state_whose_earlier_boots_have_known_numbers_and_other_ids_counts_anew() -> None:
    before = boot(99, ago(days=9), sequence=5, recorded_at=ago(days=9))
    sending = batch(reading(6, 60_000), record(reading(5, 1_000)), record(reading(6, 60_000)))

    found = find_boots(sending, NOW, {one.boot_id: one for one in (before, NEXT)}, ago(minutes=1))

    assert moments(sending, {one.boot_id: one for one in found})[sending.sent].source is ObservedAtSource.BOOT_CLOCK
