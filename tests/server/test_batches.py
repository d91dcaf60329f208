"""When the records of a batch were observed: the rules one by one, and a device with bad clocks and a bad network."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmtrail_contract import (
    ClockReading,
    ClockState,
    ComponentReading,
    ObservationRecord,
    ObservedAtSource,
    ObservedMoment,
    ReportBatch,
    ReportOutcome,
)
from firmtrail_server.batches import observations, refusals
from firmtrail_server.boot_clocks import Boot, are_known, find_boots, moments
from firmtrail_server.meaning import MAX_CLOCK_LEAD, Period, place

DEVICE = uuid.UUID(int=1)
NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
HOUR = 3_600_000


def reading(boot: int, ms: int, *, wall: dt.datetime | None = None, state: ClockState | None = None) -> ClockReading:
    return ClockReading(
        boot_id=uuid.UUID(int=boot),
        boot_sequence=boot,
        boot_time_ms=ms,
        wall_time=wall,
        clock_state=state or (ClockState.SYNCED if wall else ClockState.UNSYNCED),
    )


def record(first: ClockReading, last: ClockReading | None = None, version: str = "1") -> ObservationRecord:
    return ObservationRecord(
        first_observed=first, last_observed=last, components=[ComponentReading(component="main", version=version)]
    )


def batch(sent: ClockReading, *records: ObservationRecord, waiting: Sequence[ClockReading] = ()) -> ReportBatch:
    return ReportBatch(sent=sent, records=list(records), waiting=list(waiting))


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


def ago(**duration: float) -> dt.datetime:
    return NOW - dt.timedelta(**duration)


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

    assert not are_known(batch(reading(7, HOUR)), NOW, {drifted.boot_id: drifted})
    assert sending_boot(batch(reading(7, HOUR)), drifted, ago(minutes=30)) == boot(7, ago(hours=1), ago(minutes=30))


def test_a_batch_with_a_boot_that_was_not_there_before_has_something_to_remember() -> None:
    running = boot(7, ago(hours=1))

    assert not are_known(batch(reading(7, HOUR), record(reading(6, HOUR))), NOW, {running.boot_id: running})


def test_a_new_boot_begins_after_what_was_reported_before_though_that_counts_for_a_moment_too_late() -> None:
    found = sending_boot(batch(reading(7, 60_000), record(reading(7, 10_000))), None, NOW)

    assert found.started_at == ago(seconds=10) + dt.timedelta(microseconds=1)


def test_a_new_boot_is_moved_by_no_more_than_five_minutes() -> None:
    found = sending_boot(batch(reading(7, 60_000)), None, NOW + dt.timedelta(days=1))

    assert found.started_at == ago(minutes=1) + MAX_CLOCK_LEAD


GOOD = record(reading(7, 5))


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"first_observed": reading(7, 9), "last_observed": reading(7, 8)}, ("/last_observed", "out_of_range")),
        ({"first_observed": reading(7, 9), "last_observed": reading(6, 10)}, ("/last_observed", "out_of_range")),
        ({"last_observed": reading(7, 11)}, ("/last_observed", "out_of_range")),
        ({"first_observed": reading(8, 1)}, ("/last_observed", "out_of_range")),
        ({"components": [ComponentReading(component="Main", version="1")]}, ("/components/0/component", "forbidden_c")),
        ({"components": [ComponentReading(version="")]}, ("/components/0/version", "too_short")),
        ({"components": [ComponentReading(version="x" * 129)]}, ("/components/0/version", "too_long")),
        ({"components": [ComponentReading(version="a\n")]}, ("/components/0/version", "forbidden_c")),
        ({"components": [ComponentReading(error="x" * 257)]}, ("/components/0/error", "too_long")),
        ({"components": [ComponentReading()]}, ("/components/0", "malformed")),
        ({"components": [ComponentReading(version="1", error="no")]}, ("/components/0", "malformed")),
        ({"components": [ComponentReading(version="1")] * 2}, ("/components/1/component", "malformed")),
    ],
)
def test_a_bad_record_is_refused_alone_and_its_field_named(wrong: dict[str, Any], expected: tuple[str, str]) -> None:
    found = refusals(batch(reading(7, 10), GOOD, attrs.evolve(GOOD, **wrong), GOOD))

    assert [*found] == [1]
    (error,) = found[1]
    assert error.pointer == f"/records/1{expected[0]}"
    assert error.code.startswith(expected[1])


def test_an_error_of_a_source_is_no_part_of_the_history() -> None:
    readings = [ComponentReading(component="modem", error="no answer"), ComponentReading(version="1")]
    at = ObservedMoment(at=ago(hours=1), source=ObservedAtSource.BOOT_CLOCK)

    found = observations(DEVICE, attrs.evolve(GOOD, components=readings), at, NOW)

    assert [(seen.component, seen.version, seen.observed_at) for seen in found] == [("main", "1", ago(hours=1))]


class Device:
    """A device with a spool, in a world where it is always known what time it is. Milliseconds."""

    def __init__(self) -> None:
        self.server = Server()
        self.now = 0
        self.boot = 0
        self.skew: int | None = None
        self.booted = 0
        self.spool: list[ObservationRecord] = []
        #: every version that was observed, and when
        self.truth: list[tuple[int, str]] = []
        self.reboot(skew=None)

    def reboot(self, skew: int | None) -> None:
        """Start anew; without a `skew` from the true time the wall clock is not synced."""
        self.boot += 1
        self.booted, self.skew = self.now, skew

    def clocks(self) -> ClockReading:
        wall = None if self.skew is None else moment(self.now + self.skew)
        return reading(self.boot, self.now - self.booted, wall=wall)

    def observe(self, version: str) -> None:
        self.truth.append((self.now, version))
        if self.spool and self.spool[-1].components[0].version == version:
            self.spool[-1] = attrs.evolve(self.spool[-1], last_observed=self.clocks())
        else:
            self.spool.append(record(self.clocks(), version=version))

    def send(self, delay: int, count: int, *, answered: bool) -> list[ReportOutcome]:
        """Send the oldest records; without an answer they stay in the spool."""
        sending = batch(self.clocks(), *self.spool[:count], waiting=ends_of_boots(self.spool[count:]))
        self.now += delay
        outcomes = self.server.receive(sending, moment(self.now))
        if answered:
            del self.spool[:count]
        return outcomes


class Server:
    """What the handler does, with a list in the place of the database."""

    def __init__(self) -> None:
        self.boots: dict[uuid.UUID, Boot] = {}
        self.periods: list[Period] = []
        self.found: dict[ClockReading, ObservedMoment] = {}

    def receive(self, received: ReportBatch, at: dt.datetime) -> list[ReportOutcome]:
        assert not refusals(received)
        if not are_known(received, at, self.boots):
            until = self.periods[-1].last_reported_at if self.periods else None
            self.boots |= {boot.boot_id: boot for boot in find_boots(received, at, self.boots, until)}
        self.found |= (found := moments(received, self.boots))
        outcomes: list[ReportOutcome] = []
        for one in received.records:
            ends = [found[one.first_observed], found[one.last_observed or one.first_observed]]
            for seen in (seen for end in ends for seen in observations(DEVICE, one, end, at)):
                self.periods, outcome = place(self.periods, seen)
                outcomes.append(outcome)
        return outcomes


def ends_of_boots(records: Sequence[ObservationRecord]) -> list[ClockReading]:
    readings = [reading for one in records for reading in (one.first_observed, one.last_observed or one.first_observed)]
    boots = [list(of_boot) for _, of_boot in groupby(readings, key=lambda reading: reading.boot_id)]
    return [reading for of_boot in boots for reading in (of_boot[0], of_boot[-1])][:32]


def moment(ms: int) -> dt.datetime:
    return NOW + dt.timedelta(milliseconds=ms)


delays = st.integers(0, 30_000)
observe = st.tuples(st.just("observe"), st.integers(1, 2_000_000), st.sampled_from("ABC"))
reboot = st.tuples(st.just("reboot"), st.integers(1, 2_000_000), st.none() | st.integers(-2_000, 2_000))
send = st.tuples(st.just("send"), delays, st.booleans())
lives = st.lists(observe | observe | reboot | send, max_size=25)


def lived(life: Sequence[tuple[str, int, Any]], *, most: int = 64) -> Device:
    """Live through the events; in the end everything is delivered."""
    device = Device()
    for kind, milliseconds, what in life:
        if kind == "send":
            device.send(milliseconds, most, answered=what)
            continue
        device.now += milliseconds
        device.observe(what) if kind == "observe" else device.reboot(what)
    while device.spool:
        device.send(100, most, answered=True)
    return device


@settings(max_examples=300, deadline=None)
@given(lives)
def test_whatever_the_clocks_and_the_network_do_the_versions_come_out_in_the_order_in_which_they_ran(
    life: list[tuple[str, int, Any]],
) -> None:
    device = lived(life)

    assert [p.version for p in device.server.periods] == [v for v, _ in groupby(v for _, v in device.truth)]


@settings(max_examples=300, deadline=None)
@given(lives, st.integers(1, 4))
def test_they_do_so_in_however_many_batches_a_spool_is_sent(life: list[tuple[str, int, Any]], most: int) -> None:
    device = lived(life, most=most)

    assert [p.version for p in device.server.periods] == [v for v, _ in groupby(v for _, v in device.truth)]


@settings(max_examples=300, deadline=None)
@given(lives, delays, delays)
def test_a_batch_that_is_sent_again_changes_nothing_however_long_the_network_takes(
    life: list[tuple[str, int, Any]], first_delay: int, second_delay: int
) -> None:
    device = lived(life)
    device.now += 1
    device.observe("A")
    device.now += 1
    device.observe("B")
    device.send(first_delay, 64, answered=False)
    before = device.server.periods

    outcomes = device.send(second_delay, 64, answered=True)

    assert {*outcomes} == {ReportOutcome.KNOWN}
    assert device.server.periods == before


@settings(max_examples=300, deadline=None)
@given(lives)
def test_a_moment_of_the_boot_clock_is_late_by_no_more_than_a_request_takes_and_a_bound_is_never_too_early(
    life: list[tuple[str, int, Any]],
) -> None:
    device = lived(life)
    starts = {uuid.UUID(int=1): 0}
    now, number = 0, 1
    for kind, milliseconds, _ in life:
        now += milliseconds
        if kind == "reboot":
            number += 1
            starts[uuid.UUID(int=number)] = now

    for clocks, found in device.server.found.items():
        late = found.at - moment(starts[clocks.boot_id] + clocks.boot_time_ms)
        if found.source is ObservedAtSource.BOOT_CLOCK:
            assert dt.timedelta() <= late <= dt.timedelta(seconds=60)
        elif found.source is ObservedAtSource.UPPER_BOUND:
            assert late >= dt.timedelta(seconds=-2)
