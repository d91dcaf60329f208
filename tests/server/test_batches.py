"""What a batch may hold, and a device with bad clocks and a bad network that sends them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firmtrail_contract import (
    ClockReading,
    ComponentReading,
    ObservationRecord,
    ObservedAtSource,
    ObservedMoment,
    ReportBatch,
    ReportOutcome,
)
from firmtrail_contract.version_periods import MAX_CLOCK_LEAD, Period, Sighting, place_together
from firmtrail_server.history.batches import MAX_RECORD_ERRORS, records, refusals
from firmtrail_server.history.boot_clocks import are_known, find_boots, moments
from firmtrail_server.history.boots import Boot
from tests.server.batching import NOW, batch, reading, record

GOOD = record(reading(7, 5))
OTHER_BOOT = attrs.evolve(reading(7, 9), boot_id=uuid.UUID(int=6))


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"first_observed": reading(7, 9), "last_observed": reading(7, 8)}, ("/last_observed", "out_of_range")),
        ({"first_observed": reading(7, 9), "last_observed": reading(6, 10)}, ("/last_observed", "out_of_range")),
        ({"first_observed": reading(7, 8), "last_observed": OTHER_BOOT}, ("/last_observed", "out_of_range")),
        ({"first_observed": reading(7, 9), "last_observed": OTHER_BOOT}, ("/last_observed", "out_of_range")),
        ({"first_observed": OTHER_BOOT, "last_observed": reading(7, 8)}, ("/last_observed", "out_of_range")),
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


def test_of_a_record_in_which_nothing_is_right_the_first_errors_are_named() -> None:
    wrong = attrs.evolve(GOOD, components=[ComponentReading(component="", version="")] * 256)

    found = refusals(batch(reading(7, 10), *[wrong] * 64))

    assert [len(errors) for errors in found.values()] == [MAX_RECORD_ERRORS] * 64
    assert found[63][0].pointer == "/records/63/components/0/component"


def test_another_boot_in_a_record_has_a_higher_number() -> None:
    good = attrs.evolve(GOOD, last_observed=attrs.evolve(OTHER_BOOT, boot_sequence=8, boot_time_ms=0))

    assert refusals(batch(reading(9, 0), good, record(reading(7, 9), OTHER_BOOT))).keys() == {1}


def test_an_error_of_a_source_is_no_part_of_the_history() -> None:
    readings = [ComponentReading(component="modem", error="no answer"), ComponentReading(version="1")]
    said = batch(reading(9, 0), attrs.evolve(GOOD, components=readings))

    (found,) = records(said, {boot.boot_id: boot for boot in find_boots(said, NOW, {}, None)})

    assert found.versions == [("main", "1")]


class Device:
    """A device with a spool, in a world where it is always known what time it is. Milliseconds."""

    def __init__(self) -> None:
        self.server = Server()
        self.now = 0
        self.boot = 0
        self.skew: int | None = None
        self.booted = 0
        self.spool: list[ObservationRecord] = []
        self.sent: list[ReportBatch] = []
        #: on its way for longer than the device waits for an answer
        self.held_up: list[ReportBatch] = []
        #: every version that was observed, and when
        self.truth: list[tuple[int, str]] = []
        #: when the boot clock was zero
        self.starts: dict[uuid.UUID, int] = {}
        self.reboot(skew=None)

    def reboot(self, skew: int | None) -> None:
        """Start anew; without a `skew` from the true time the wall clock is not synced."""
        self.booted, self.skew = self.now, skew
        self.restart()

    def restart(self, _: object = None) -> None:
        """Start the agent anew, which cannot read the kernel's boot id."""
        self.boot += 1
        self.starts[uuid.UUID(int=self.boot)] = self.booted

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
        self.sent.append(batch(self.clocks(), *self.spool[:count], waiting=ends_of_boots(self.spool[count:])))
        self.now += delay
        outcomes = self.server.receive(self.sent[-1], moment(self.now))
        if answered:
            del self.spool[:count]
        return outcomes

    def send_late(self, count: int) -> None:
        """Send the oldest records, which stay in the spool: the network takes hours."""
        self.held_up.append(batch(self.clocks(), *self.spool[:count], waiting=ends_of_boots(self.spool[count:])))

    def arrive(self, _: object = None) -> None:
        """Let the network deliver what it held up."""
        for late in self.held_up:
            self.sent.append(late)
            self.server.receive(late, moment(self.now))
        self.held_up = []

    def send_again(self, share: float) -> list[ReportOutcome]:
        """Let the network deliver a copy of what was sent at some time before."""
        copies = self.sent[int(share * len(self.sent)) :][:1]
        return [outcome for copy in copies for outcome in self.server.receive(copy, moment(self.now))]


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
        self.found |= moments(received, self.boots)
        seen = [
            Sighting(version, end.at, at)
            for record in records(received, self.boots)
            for end in (record.first, record.last)
            for _, version in record.versions
        ]
        return place_together(self.periods, seen)


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
copy = st.tuples(st.just("copy"), st.integers(0, 2_000_000), st.floats(0, 1, exclude_max=True))
restart = st.tuples(st.just("restart"), st.integers(1, 2_000_000), st.none())
lives_without_boot_ids = st.lists(observe | observe | reboot | restart | send, max_size=25).map(
    lambda life: [("observe", 1, "A"), ("send", 0, True), *life]
)
lives = st.lists(observe | observe | reboot | send | copy, max_size=25)
send_late = st.tuples(st.just("send late"), st.integers(1, 2_000_000), st.integers(1, 64))
arrive = st.tuples(st.just("arrive"), st.integers(1, 20_000_000), st.none())
lives_with_late_batches = st.lists(observe | observe | reboot | send | send_late | arrive, max_size=25).map(
    lambda life: [("observe", 1, "A"), ("send late", 1, 64), ("arrive", 7_200_000, None), *life]
)


def lived(life: Sequence[tuple[str, int, Any]], *, most: int = 64) -> Device:
    """Live through the events; in the end everything is delivered."""
    device = Device()
    for kind, milliseconds, what in life:
        if kind == "send":
            device.send(milliseconds, most, answered=what)
            continue
        device.now += milliseconds
        events: dict[str, Callable[[Any], object]] = {
            "observe": device.observe,
            "reboot": device.reboot,
            "restart": device.restart,
            "copy": device.send_again,
            "send late": device.send_late,
            "arrive": device.arrive,
        }
        events[kind](what)
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
@example(  # between two boots whose readings are known lies a third one
    [
        ("observe", 1, "B"),
        ("send", 103, False),
        ("observe", 1, "A"),
        ("reboot", 1, None),
        ("observe", 1, "B"),
        ("reboot", 1, None),
    ],
    1,
)
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
@given(lives, st.integers(0, 30 * 24 * 3_600_000), st.floats(0, 1, exclude_max=True))
def test_a_copy_that_the_network_delivers_weeks_later_changes_nothing(
    life: list[tuple[str, int, Any]], weeks: int, share: float
) -> None:
    device = lived(life)
    before = device.server.periods
    device.now += weeks

    outcomes = device.send_again(share)

    assert {*outcomes} <= {ReportOutcome.KNOWN}
    assert device.server.periods == before


@settings(max_examples=300, deadline=None)
@given(lives_with_late_batches, st.floats(0, 1, exclude_max=True))
def test_a_retry_changes_nothing_though_first_deliveries_took_hours(
    life: list[tuple[str, int, Any]], share: float
) -> None:
    device = lived(life)
    device.arrive()
    before = device.server.periods.copy()

    device.send_again(share)

    assert device.server.periods == before


def test_no_record_counts_for_a_moment_after_its_batch_was_received() -> None:
    hour = 3_600_000
    server = Server()
    server.receive(batch(reading(1, 10), record(reading(1, 5), version="A")), moment(2 * hour))  # held up for two hours
    later = [record(reading(1, 5), reading(1, hour - 10), version="A"), record(reading(1, hour), version="B")]

    server.receive(batch(reading(1, hour), *later), moment(2 * hour + 60_000))

    assert [p.version for p in server.periods] == ["A", "B"]
    assert server.periods[-1].last_reported_at <= moment(2 * hour + 60_000)


@settings(max_examples=300, deadline=None)
@given(lives)
def test_a_moment_of_the_boot_clock_is_late_by_no_more_than_a_request_takes_and_a_bound_is_never_too_early(
    life: list[tuple[str, int, Any]],
) -> None:
    device = lived(life)
    for clocks, found in device.server.found.items():
        late = found.at - moment(device.starts[clocks.boot_id] + clocks.boot_time_ms)
        if found.source is ObservedAtSource.BOOT_CLOCK:
            assert dt.timedelta() <= late <= dt.timedelta(seconds=60)
        elif found.source is ObservedAtSource.UPPER_BOUND:
            assert late >= dt.timedelta(seconds=-2)


@settings(max_examples=300, deadline=None)
@given(lives_without_boot_ids)
def test_an_agent_without_boot_ids_is_told_in_order_and_by_its_boot_clock(
    life: list[tuple[str, int, Any]],
) -> None:
    device = lived(life)

    assert [p.version for p in device.server.periods] == [v for v, _ in groupby(v for _, v in device.truth)]
    for clocks, found in device.server.found.items():
        late = found.at - moment(device.starts[clocks.boot_id] + clocks.boot_time_ms)
        if found.source is ObservedAtSource.BOOT_CLOCK:
            assert abs(late) <= MAX_CLOCK_LEAD


LEAD_MS = int(MAX_CLOCK_LEAD.total_seconds() * 1_000)


@st.composite
def any_batches(draw: st.DrawFn) -> list[tuple[ReportBatch, int]]:
    """Batches that any machines send with one key, and how many milliseconds after the one before each comes."""
    numbers = draw(st.lists(st.integers(0, 4), min_size=5, max_size=5))
    near = st.integers(LEAD_MS - 2, LEAD_MS + 2)
    milliseconds = st.integers(0, 5) | near | st.integers(0, 400_000_000)
    wall = st.none() | st.integers(-900_000_000, 900_000_000).map(moment)

    def clocks() -> ClockReading:
        boot = draw(st.integers(0, 4))
        return attrs.evolve(reading(boot, draw(milliseconds), wall=draw(wall)), boot_sequence=numbers[boot])

    batches: list[tuple[ReportBatch, int]] = []
    for _ in range(draw(st.integers(1, 4))):
        said = batch(clocks(), *(record(clocks(), version=draw(st.sampled_from("AB"))) for _ in range(3)))
        wrong = refusals(said)
        good = [one for index, one in enumerate(said.records) if index not in wrong]
        batches.append((attrs.evolve(said, records=good), draw(milliseconds)))
    return batches


@settings(max_examples=300, deadline=None)
@given(any_batches(), st.integers(0, 3), st.integers(0, 10**9))
def test_a_retry_finds_the_moments_that_it_found_before_whatever_came_between(
    batches: list[tuple[ReportBatch, int]], which: int, later: int
) -> None:
    server, now = Server(), 0
    found: list[dict[ClockReading, ObservedMoment]] = []
    for said, after in batches:
        now += after
        server.receive(said, moment(now))
        found.append(dict(moments(said, server.boots)))
    which %= len(batches)

    server.receive(batches[which][0], moment(now + later))

    assert moments(batches[which][0], server.boots) == found[which]
