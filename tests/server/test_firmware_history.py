"""What a report means, on the real database: every way into it gives the history that the model gives."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import AsyncGenerator
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmtrail_contract import (
    ActorKind,
    ClockReading,
    ComponentReading,
    FirmwareReport,
    HistoryQuery,
    NewDevice,
    ObservationRecord,
    ReportOutcome,
)
from firmtrail_contract.version_periods import moment
from firmtrail_server.auth.credentials import SecretDigests
from firmtrail_server.db import Database, Transaction
from firmtrail_server.history.moment_sources import StoredPeriod
from firmtrail_server.history.timeline import Record, Sender
from firmtrail_server.ingest import Ingest, Outcome, Submission, rewrite
from firmtrail_server.queries import devices, projects
from firmtrail_server.queries.audit_events import Actor
from firmtrail_server.queries.history import KEYSET, list_periods
from firmtrail_server.services.api_keys import KeyIssuer, Terms
from tests.server.batching import batch, reading
from tests.server.history_model import GONE, HistoryModel

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
ACTOR = Actor(kind=ActorKind.OPERATOR, id=None, address="", request_id="")


class Receipt(NamedTuple):
    observed_at: dt.datetime
    outcome: ReportOutcome


class Span(NamedTuple):
    """A record of a batch: from one hour to another it saw one version of each component."""

    first: int
    last: int
    versions: dict[str, str]


class History:
    """One device's history in a real database."""

    def __init__(self, database: Database, ingest: Ingest) -> None:
        self.database = database
        self.ingest = ingest
        self.project_id = self.device_id = self.key_id = uuid.UUID(int=0)

    async def begin(self) -> None:
        """Start afresh, with a new device in a new project."""
        issuer = KeyIssuer(SecretDigests(b"of the tests"))
        async with self.database.transaction() as conn:
            self.project_id = (await projects.insert(conn, "Test", NOW)).id
            device = await devices.insert(conn, self.project_id, NewDevice(name="Test"), NOW)
            self.device_id = device.id
            key = await issuer.issue_for_device(conn, device, Terms(created_by=None, created_at=NOW))
            self.key_id = key.id

    async def report(
        self, version: str, at: int | None = None, *, component: str = "main", received_at: dt.datetime = NOW
    ) -> Receipt:
        said = None if at is None else START + dt.timedelta(hours=at)
        when = moment(FirmwareReport(version=version or "gone", component=component, observed_at=said), received_at)
        record = Record(when, when, [(component, version)])
        sender = Sender(self.key_id, self.device_id, None)
        (stored,) = await self.ingest.submit(Submission(sender, received_at, record))
        return Receipt(stored.first.at, stored.versions[0])

    async def report_batch(self, spans: list[Span]) -> list[Outcome]:
        """Send a batch of one boot, that began at START."""
        sent = reading(1, int((NOW - START).total_seconds() * 1_000))
        said = batch(sent, *map(observed, spans))
        return await self.ingest.submit(Submission(Sender(self.key_id, self.device_id, None), NOW, said, ACTOR))

    async def periods(self) -> list[StoredPeriod]:
        async with self.database.transaction() as conn:
            rows = await list_periods(
                conn, self.project_id, self.device_id, HistoryQuery(page_size=1_000), KEYSET.beginning
            )
        return [*rows]

    async def told(self) -> list[tuple[str, int, int]]:
        return [(p.version, hours(p.first_reported_at), hours(p.last_reported_at)) for p in await self.periods()]


def observed(span: Span) -> ObservationRecord:
    first, last = sorted((reading(1, span.first * 3_600_000), reading(1, span.last * 3_600_000)), key=uptime)
    components = [
        ComponentReading(component=name, version=version)
        if version != GONE
        else ComponentReading(component=name, error="not installed", gone=True)
        for name, version in span.versions.items()
    ]
    return ObservationRecord(first_observed=first, last_observed=last, components=components)


def uptime(reading: ClockReading) -> int:
    return reading.boot_time_ms


def hours(moment: dt.datetime) -> int:
    return int((moment - START).total_seconds() // 3600)


@pytest.fixture(params=[Transaction.INGEST, Transaction.WRITE], ids=["read committed", "serializable"])
async def history(request: pytest.FixtureRequest, database_url: str) -> AsyncGenerator[History]:
    database = Database(database_url, max_connections=4)
    await database.open()
    ingest = Ingest(database, database_url, isolation=request.param)
    ingest.open()
    history = History(database, ingest)
    await history.begin()
    yield history
    await ingest.close()
    await database.close()


reports = st.lists(st.tuples(st.integers(0, 12), st.sampled_from([*"ABC", GONE])), max_size=14)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports)
async def test_any_reports_in_any_order_give_the_history_that_the_model_gives(
    history: History, reports: list[tuple[int, str]]
) -> None:
    await history.begin()
    model = HistoryModel()

    for second, (at, version) in enumerate(reports):
        await history.report(version, at, received_at=NOW + dt.timedelta(seconds=second))
        model.report(at, version)

    periods = await history.periods()
    ends = [p.superseded_at and hours(p.superseded_at) for p in periods]
    assert [(*told, end) for told, end in zip(await history.told(), ends, strict=True)] == model.shown()
    assert len({p.id for p in periods}) == len(periods)


versions = st.fixed_dictionaries({"main": st.sampled_from([*"AB", GONE])}, optional={"modem": st.sampled_from("AB")})
batches = st.lists(st.builds(Span, st.integers(0, 9), st.integers(0, 9), versions), min_size=1, max_size=5)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(batches, max_size=2), batches, st.sampled_from([2, 3, 1_000]))
async def test_a_batch_sent_three_times_changes_the_history_once(
    history: History, earlier: list[list[Span]], sent: list[Span], most_periods: int
) -> None:
    await history.begin()
    for one in earlier:
        await history.report_batch(one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rewrite, "MAX_PERIODS", most_periods)
        await history.report_batch(sent)
        before = await history.periods()

        retried = [outcome for _ in range(2) for outcome in await history.report_batch(sent)]

        assert {what for outcome in retried for what in outcome.versions} == {ReportOutcome.KNOWN}
        assert await history.periods() == before


async def test_the_first_report_opens_a_period(history: History) -> None:
    receipt = await history.report("1.0", 5)

    assert receipt.outcome is ReportOutcome.OPENED
    assert await history.told() == [("1.0", 5, 5)]


async def test_a_repeat_extends_the_period_and_is_counted(history: History) -> None:
    await history.report("1.0", 5)

    receipt = await history.report("1.0", 9)

    assert receipt.outcome is ReportOutcome.EXTENDED
    assert [(p.version, hours(p.last_reported_at), p.report_count) for p in await history.periods()] == [("1.0", 9, 2)]


async def test_a_retry_changes_nothing(history: History) -> None:
    await history.report("1.0", 5)
    await history.report("2.0", 9)
    before = await history.periods()

    outcomes = [(await history.report(version, at)).outcome for version, at in (("1.0", 5), ("2.0", 9))]

    assert outcomes == [ReportOutcome.KNOWN, ReportOutcome.KNOWN]
    assert await history.periods() == before


async def test_a_period_keeps_its_id_and_when_it_was_recorded_when_it_closes(history: History) -> None:
    await history.report("1.0", 5)
    opened = (await history.periods())[0]

    await history.report("2.0", 9, received_at=NOW + dt.timedelta(days=1))

    closed = (await history.periods())[0]
    assert (closed.id, closed.recorded_at) == (opened.id, opened.recorded_at)
    assert closed.superseded_at == START + dt.timedelta(hours=9)


async def test_components_have_histories_of_their_own(history: History) -> None:
    await history.report("1.0", 5)
    await history.report("boot-7", 3, component="bootloader")
    await history.report("1.1", 9)

    assert [(p.component, p.version) for p in await history.periods()] == [
        ("bootloader", "boot-7"),
        ("main", "1.0"),
        ("main", "1.1"),
    ]


async def test_reports_without_a_moment_count_in_the_order_of_their_arrival_though_clocks_differ(
    history: History,
) -> None:
    await history.report("1.0", received_at=NOW)

    receipt = await history.report("2.0", received_at=NOW - dt.timedelta(seconds=30))

    assert receipt.observed_at == NOW
    assert [p.version for p in await history.periods()] == ["1.0", "2.0"]
    assert (await history.periods())[-1].superseded_at is None


async def test_a_repeat_without_a_moment_is_counted_though_the_clock_stands(history: History) -> None:
    await history.report("1.0", received_at=NOW)
    await history.report("1.0", received_at=NOW)

    assert [(p.version, p.report_count) for p in await history.periods()] == [("1.0", 2)]


@pytest.mark.parametrize(
    "version", ["NULL", "null", '"1,2"', "{1}", "\\x00", "it's", "1;drop table devices", "🚀 v1 👨‍👩‍👧", " 1 "]
)
async def test_a_version_is_kept_as_it_is(history: History, version: str) -> None:
    await history.report(version, 5)

    assert [p.version for p in await history.periods()] == [version]


async def test_many_periods_stay_in_order_when_reports_come_newest_first(history: History) -> None:
    for at in range(30, 0, -1):
        await history.report(f"v{at}", at)

    assert await history.told() == [(f"v{at}", at, at) for at in range(1, 31)]
