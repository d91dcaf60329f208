"""What devices report, from many requests at once: stored together, in order, each with its own outcome."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import psycopg
import pytest

from firmtrail_contract import (
    ActorKind,
    ClockReading,
    ComponentReading,
    HistoryQuery,
    NewDevice,
    ObservationRecord,
    ObservedAtSource,
    ObservedMoment,
    ReportBatch,
    ReportOutcome,
)
from firmtrail_server.auth.credentials import SecretDigests
from firmtrail_server.db import Database, Link, Transaction
from firmtrail_server.errors import DatabaseUnavailable, ReportQueueFull, SecretUnproved
from firmtrail_server.history import batches
from firmtrail_server.history.timeline import Record, Sender
from firmtrail_server.ingest import Ingest, Outcome, Submission
from firmtrail_server.queries import devices, history, periods, projects, reports
from firmtrail_server.queries.audit_events import Actor
from firmtrail_server.queries.reports import Report
from firmtrail_server.services.api_keys import KeyIssuer, Terms
from firmtrail_server.services.deletion import Sweeper, remove_devices
from firmtrail_server.services.derived_tables import compare

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
HELD_UP = "from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
AWKWARD = ["NULL", "null", 'say "1.0"', "it's", "1,0", "{1.0}", "a\\b", "\\", "🙂", "%s", "$1", "ﷺ" * 100, " "]
ISSUER = KeyIssuer(SecretDigests(b"of the tests"))


@attrs.frozen
class Device:
    id: uuid.UUID
    key_id: uuid.UUID
    project_id: uuid.UUID

    def says(self, version: str = "1.0", at: dt.datetime | None = None, component: str = "main") -> Submission:
        return self.says_all((component, version), at=at)

    def says_all(self, *versions: tuple[str, str], at: dt.datetime | None = None) -> Submission:
        moment = ObservedMoment(at=at or NOW, source=ObservedAtSource.DEVICE if at else ObservedAtSource.SERVER)
        return Submission(Sender(self.key_id, self.id, None), NOW, Record(moment, moment, versions))

    def sends(self, *observed: int, sent: int = 60, received_at: dt.datetime = NOW) -> Submission:
        """A batch of one record; `observed` and `sent` are what the boot clock showed, in seconds."""
        readings = [ClockReading(boot_id=self.id, boot_sequence=1, boot_time_ms=1_000 * up) for up in (*observed, sent)]
        components = [ComponentReading(component=name, version="1.0") for name in ("main", "modem")]
        record = ObservationRecord(
            first_observed=readings[0], last_observed=readings[-2] if observed[1:] else None, components=components
        )
        actor = Actor(kind=ActorKind.API_KEY, id=self.key_id, address="", request_id="")
        batch = ReportBatch(sent=readings[-1], records=[record])
        return Submission(Sender(self.key_id, self.id, None), received_at, batch, actor)


@attrs.frozen
class Fleet:
    """A project's devices, and an ingest that stores what they say."""

    url: str
    database: Database
    ingest: Ingest
    project_id: uuid.UUID

    async def device(self) -> Device:
        async with self.database.transaction() as conn:
            device = await devices.insert(conn, self.project_id, NewDevice(name=str(uuid.uuid4())), NOW)
            key = await ISSUER.issue_for_device(conn, device, Terms(created_by=None, created_at=NOW))
        return Device(device.id, key.id, self.project_id)

    async def devices(self, count: int) -> list[Device]:
        return [await self.device() for _ in range(count)]

    async def known(self, count: int) -> list[Device]:
        """Make devices that have reported something before."""
        known = await self.devices(count)
        await asyncio.gather(*(self.ingest.submit(device.says("0", NOW - dt.timedelta(days=9))) for device in known))
        return known

    async def history(self, device: Device) -> list[tuple[str, int]]:
        async with self.database.transaction() as conn:
            periods = await history.list_periods(
                conn, self.project_id, device.id, HistoryQuery(page_size=1_000), history.KEYSET.beginning
            )
        return [(period.version, period.report_count) for period in periods]

    async def ask(self, query: str) -> list[tuple[object, ...]]:
        async with await psycopg.AsyncConnection.connect(self.url) as conn:
            return await (await conn.execute(query.encode())).fetchall()

    @asynccontextmanager
    async def held_up(self) -> AsyncGenerator[list[asyncio.Task[list[Outcome]]]]:
        """Hold up the statement that stores a report; tasks put into the list wait for its end."""
        (first,) = await self.known(1)
        async with await psycopg.AsyncConnection.connect(self.url) as conn:
            await conn.execute("lock table device_firmware in access exclusive mode")
            waiting = [asyncio.create_task(self.ingest.submit(first.says()))]
            while not await self.ask(f"select 1 {HELD_UP}"):  # noqa: ASYNC110  the database has no event for it
                await asyncio.sleep(0.005)
            yield waiting
            await asyncio.sleep(0)  # let the tasks begin

    async def record(self, *submissions: Submission) -> list[list[Outcome] | BaseException]:
        """Submit what arrives while a transaction is under way."""
        async with self.held_up() as waiting:
            waiting += [asyncio.create_task(self.ingest.submit(one)) for one in submissions]
        return (await asyncio.gather(*waiting, return_exceptions=True))[1:]


@asynccontextmanager
async def running(
    url: str, database: Database, isolation: Transaction, max_waiting: int = 1_000
) -> AsyncGenerator[Ingest]:
    ingest = Ingest(database, url, isolation=isolation, max_waiting=max_waiting)
    ingest.open()
    yield ingest
    await ingest.close()


@pytest.fixture(params=[Transaction.INGEST, Transaction.WRITE], ids=["read committed", "serializable"])
def isolation(request: pytest.FixtureRequest) -> Transaction:
    """PostgreSQL runs at the one, CockroachDB at the other."""
    return request.param


@pytest.fixture
async def fleet(database_url: str, isolation: Transaction) -> AsyncGenerator[Fleet]:
    database = Database(database_url)
    await database.open()
    async with database.transaction() as conn:
        project = await projects.insert(conn, "Test", NOW)
    async with running(database_url, database, isolation, max_waiting=300) as ingest:
        yield Fleet(database_url, database, ingest, project.id)
    assert not (await compare(database, repair=False)).differences, "device_versions is not what it is derived from"
    await database.close()


def outcomes(recorded: list[list[Outcome] | BaseException]) -> list[object]:
    return [said if isinstance(said, BaseException) else said[0].versions[0] for said in recorded]


def _after(minutes: int) -> dt.datetime:
    return NOW + dt.timedelta(minutes=minutes)


async def test_reports_that_arrive_during_a_transaction_are_stored_by_the_next_one(fleet: Fleet) -> None:
    reporting = await fleet.known(50)

    await fleet.record(*[device.says() for device in reporting])

    assert await fleet.ask("select count(*), count(distinct xmin::text) from device_firmware") == [(51, 2)]


async def test_the_reports_of_one_device_are_stored_in_their_order(fleet: Fleet) -> None:
    device, other = await fleet.known(2)
    versions = ["1", "2", "2", "1", "3", "1"]

    recorded = await fleet.record(*[device.says(version) for version in versions], other.says())

    assert await fleet.history(device) == [("0", 1), ("1", 1), ("2", 2), ("1", 1), ("3", 1), ("1", 1)]
    opened, extended = ReportOutcome.OPENED, ReportOutcome.EXTENDED
    assert outcomes(recorded) == [opened, opened, extended, opened, opened, opened, opened]


async def test_any_printable_version_is_kept_beside_any_other(fleet: Fleet) -> None:
    reporting = await fleet.known(len(AWKWARD))

    recorded = await fleet.record(*[d.says(version) for d, version in zip(reporting, AWKWARD, strict=True)])

    assert outcomes(recorded) == [ReportOutcome.OPENED] * len(AWKWARD)
    assert [(await fleet.history(device))[1][0] for device in reporting] == AWKWARD


async def test_one_that_the_database_refuses_fails_alone(fleet: Fleet) -> None:
    reporting = await fleet.known(9)
    bad = reporting[4]
    oversized = bad.says("x" * 200)

    recorded = await fleet.record(*[oversized if device is bad else device.says() for device in reporting])

    assert isinstance(recorded.pop(4), psycopg.errors.CheckViolation)
    assert outcomes(recorded) == [ReportOutcome.OPENED] * 8
    assert await fleet.history(bad) == [("0", 1)]
    assert all([len(await fleet.history(device)) == 2 for device in reporting if device is not bad])


async def test_a_key_that_is_deleted_while_its_report_waits_is_refused_and_its_neighbours_are_not(fleet: Fleet) -> None:
    first, revoked, last = await fleet.known(3)
    async with fleet.held_up() as waiting:
        waiting += [asyncio.create_task(fleet.ingest.submit(device.says())) for device in (first, revoked, last)]
        await asyncio.sleep(0)
        async with fleet.database.transaction() as conn:
            await conn.execute("delete from api_keys where id = %s", [revoked.key_id])

    recorded = (await asyncio.gather(*waiting, return_exceptions=True))[1:]

    assert isinstance(recorded.pop(1), SecretUnproved)
    assert outcomes(recorded) == [ReportOutcome.OPENED] * 2
    assert await fleet.history(revoked) == [("0", 1)]


async def test_a_late_report_finds_its_place_and_does_not_hold_up_the_others(fleet: Fleet) -> None:
    device, other = await fleet.devices(2)
    await fleet.ingest.submit(device.says("2.0", NOW))

    recorded = await fleet.record(device.says("1.0", NOW - dt.timedelta(days=1)), other.says())

    assert outcomes(recorded) == [ReportOutcome.OPENED] * 2
    assert await fleet.history(device) == [("1.0", 1), ("2.0", 1)]


async def test_a_report_with_a_late_part_is_stored_whole(fleet: Fleet) -> None:
    device = await fleet.device()
    yesterday = NOW - dt.timedelta(days=1)
    await fleet.ingest.submit(device.says("2.0", NOW))
    await fleet.ingest.submit(device.says("0.8", yesterday - dt.timedelta(days=1), "modem"))

    (outcome,) = await fleet.ingest.submit(device.says_all(("main", "1.0"), ("modem", "0.9"), at=yesterday))

    assert outcome.versions == [ReportOutcome.OPENED, ReportOutcome.OPENED]
    assert await fleet.history(device) == [("0.8", 1), ("1.0", 1), ("0.9", 1), ("2.0", 1)]


async def test_a_report_of_a_component_that_is_new_is_stored_whole(fleet: Fleet) -> None:
    (device,) = await fleet.known(1)

    (outcome,) = await fleet.ingest.submit(device.says_all(("main", "0"), ("modem", "0.9")))

    assert outcome.versions == [ReportOutcome.EXTENDED, ReportOutcome.OPENED]
    assert await fleet.history(device) == [("0", 2), ("0.9", 1)]


async def test_a_report_that_comes_alone_leaves_what_one_in_a_group_leaves(fleet: Fleet) -> None:
    alone, grouped = await fleet.known(2)
    link = Link(fleet.url)

    def report(device: Device, minute: int, at: int | None, seconds: int | None) -> Report:
        source = ObservedAtSource.SERVER if at is None else ObservedAtSource.DEVICE
        moment = ObservedMoment(at=_after(minute if at is None else at), source=source)
        record = Record(moment, moment, [("main", "0")], interval_seconds=seconds)
        return Report(Sender(device.key_id, device.id, None), _after(minute), record)

    told = [(10, None, None), (25, 20, 600), (25, 21, 600), (24, None, 600), (80, 90, None), (81, None, 3_600)]
    for one in told:
        extended = await reports.extend_period(link, report(alone, *one))
        assert extended
        assert [extended] == await reports.extend_histories(link, [report(grouped, *one)])
    await link.close()

    rows = await fleet.ask(
        "select version, first_reported_at, last_reported_at, report_count, recorded_at, tie_rank, change_number,"
        f" heard_at, cadence, interval_seconds from device_firmware where device_id in ('{alone.id}', '{grouped.id}')"
    )
    assert rows[0] == rows[1]
    assert rows[0][3] == 1 + len(told)


@pytest.mark.parametrize("said", [("1.0", None), ("0", -60), ("0", -14 * 24 * 60)])
async def test_what_is_new_or_late_is_left_alone_by_the_statement_of_one_report(
    fleet: Fleet, said: tuple[str, int | None]
) -> None:
    (device,) = await fleet.known(1)
    link = Link(fleet.url)
    version, minute = said
    await fleet.ingest.submit(device.says("0", NOW))
    submission = device.says(version, None if minute is None else _after(minute))
    assert isinstance(submission.said, Record)

    assert await reports.extend_period(link, Report(submission.sender, NOW, submission.said)) == []
    await link.close()


async def test_a_full_queue_refuses_what_comes_next_and_stores_what_it_took(fleet: Fleet) -> None:
    (device,) = await fleet.known(1)

    recorded = await fleet.record(*[device.says(str(number)) for number in range(1, 302)])

    assert isinstance(recorded.pop(), ReportQueueFull)
    assert await fleet.history(device) == [(str(number), 1) for number in range(301)]


async def test_a_report_whose_request_was_given_up_is_not_stored(fleet: Fleet) -> None:
    patient, impatient = await fleet.devices(2)
    async with fleet.held_up() as waiting:
        waiting += [asyncio.create_task(fleet.ingest.submit(device.says())) for device in (patient, impatient)]
        await asyncio.sleep(0)
        waiting.pop().cancel()

    await asyncio.gather(*waiting)

    assert await fleet.history(patient) == [("1.0", 1)]
    assert await fleet.history(impatient) == []


async def test_reports_whose_requests_were_all_given_up_do_not_end_the_ingest(fleet: Fleet) -> None:
    device = await fleet.device()
    async with fleet.held_up() as waiting:
        given_up = asyncio.create_task(fleet.ingest.submit(device.says()))
        await asyncio.sleep(0)
        given_up.cancel()
    await asyncio.gather(*waiting)

    async with asyncio.timeout(10):
        assert outcomes([await fleet.ingest.submit(device.says("2.0"))]) == [ReportOutcome.OPENED]


async def test_a_connection_that_breaks_acknowledges_nothing_and_the_next_report_gets_a_new_one(fleet: Fleet) -> None:
    device = await fleet.device()
    async with fleet.held_up() as waiting:
        await fleet.ask(f"select pg_terminate_backend(pid) {HELD_UP}")

        with pytest.raises(DatabaseUnavailable):
            await waiting[0]

    assert await fleet.ask("select report_count from device_firmware") == [(1,)]
    assert outcomes([await fleet.ingest.submit(device.says())]) == [ReportOutcome.OPENED]


async def test_a_connection_that_broke_while_idle_fails_no_report(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.ingest.submit(device.says())
    await fleet.ask(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )

    assert outcomes([await fleet.ingest.submit(device.says())]) == [ReportOutcome.EXTENDED]


async def test_what_two_servers_record_at_once_is_all_counted(fleet: Fleet, isolation: Transaction) -> None:
    reporting = await fleet.known(5)
    async with running(fleet.url, fleet.database, isolation) as other:
        for _ in range(10):
            await asyncio.gather(*(one.submit(device.says()) for device in reporting for one in (fleet.ingest, other)))

    assert [await fleet.history(device) for device in reporting] == [[("0", 1), ("1.0", 20)]] * 5


async def test_a_version_that_two_servers_replace_at_once_is_closed_once(fleet: Fleet, isolation: Transaction) -> None:
    (device,) = await fleet.known(1)
    held = await psycopg.AsyncConnection.connect(fleet.url)
    await held.execute("select 1 from device_firmware for update")
    async with running(fleet.url, fleet.database, isolation) as other:
        colliding = [
            asyncio.create_task(one.submit(device.says(version)))
            for one, version in ((fleet.ingest, "2.0"), (other, "3.0"))
        ]
        while await fleet.ask(f"select count(*) {HELD_UP}") != [(2,)]:  # noqa: ASYNC110  it has no event for it
            await asyncio.sleep(0.005)
        await held.close()

        assert outcomes(await asyncio.gather(*colliding)) == [ReportOutcome.OPENED] * 2
    assert sorted(await fleet.history(device)) == [("0", 1), ("2.0", 1), ("3.0", 1)]


async def test_the_first_report_of_a_component_that_two_servers_store_at_once_is_one_period(
    fleet: Fleet, isolation: Transaction
) -> None:
    reporting = await fleet.devices(20)
    async with running(fleet.url, fleet.database, isolation) as other:
        await asyncio.gather(*(one.submit(device.says()) for device in reporting for one in (fleet.ingest, other)))

    assert [[version for version, _ in await fleet.history(device)] for device in reporting] == [["1.0"]] * 20


async def test_late_reports_beside_new_ones_lose_nothing(fleet: Fleet, isolation: Transaction) -> None:
    (device,) = await fleet.known(1)
    late = [device.says(f"late {day}", NOW - dt.timedelta(days=day)) for day in range(1, 9)]
    new = [device.says(f"new {minute}", NOW + dt.timedelta(minutes=minute)) for minute in range(8)]
    async with running(fleet.url, fleet.database, isolation) as other:
        for one, another in zip(late, new, strict=True):
            await asyncio.gather(fleet.ingest.submit(one), other.submit(another))

    expected = ["0", *(f"late {day}" for day in range(8, 0, -1)), *(f"new {minute}" for minute in range(8))]
    assert await fleet.history(device) == [(version, 1) for version in expected]


async def test_deletions_beside_reports_leave_nothing_that_the_sweeper_does_not_find(
    fleet: Fleet, isolation: Transaction
) -> None:
    reporting = [*await fleet.known(10), *await fleet.devices(10)]
    async with running(fleet.url, fleet.database, isolation) as other:
        for number, device in enumerate(reporting):
            said = [device.says(f"{number}.1"), device.says("late", NOW - dt.timedelta(days=10)), device.says("2", NOW)]
            said += [device.says("1", component="modem")]
            reports = [one.submit(report) for report in said for one in (fleet.ingest, other)]
            deletion = fleet.database.run(Transaction.WRITE, remove_devices, fleet.project_id, [device.id], NOW)
            ended = await asyncio.gather(*reports[:4], deletion, *reports[4:], return_exceptions=True)
            assert {type(one) for one in ended if isinstance(one, BaseException)} <= {SecretUnproved}

    assert not (await compare(fleet.database, repair=False)).differences
    await Sweeper(fleet.database).sweep(NOW + dt.timedelta(hours=1))
    assert await fleet.ask("select device_id from device_firmware") == []
    assert await fleet.ask("select device_id from device_versions") == []


async def test_a_report_beside_the_deletion_of_its_project_is_refused_or_deleted(fleet: Fleet) -> None:
    (device,) = await fleet.known(1)
    async with fleet.database.transaction() as conn:
        await projects.mark_deleted(conn, fleet.project_id, NOW)

    with pytest.raises(SecretUnproved):
        await fleet.ingest.submit(device.says())


async def test_a_secret_is_proved_by_the_digest_of_its_key_alone(fleet: Fleet) -> None:
    (device,) = await fleet.known(1)
    said = device.says()

    for digest in (b"", b"another", bytes(32)):
        with pytest.raises(SecretUnproved):
            await fleet.ingest.submit(said._replace(sender=said.sender._replace(digest=digest)))

    assert await fleet.history(device) == [("0", 1)]


@pytest.mark.parametrize(("before", "after", "expected"), [("0", "7", []), ("7", "7", [ReportOutcome.EXTENDED])])
async def test_the_statement_of_one_report_is_right_whatever_changed_while_it_waited(
    fleet: Fleet, isolation: Transaction, before: str, after: str, expected: list[ReportOutcome]
) -> None:
    (device,) = await fleet.known(1)
    await fleet.ingest.submit(device.says(before, NOW - dt.timedelta(days=1)))
    async with await psycopg.AsyncConnection.connect(fleet.url) as other:
        await other.execute("update device_firmware set version = %(version)s, report_count = 5", {"version": after})
        await other.execute("update device_versions set version = %(version)s", {"version": after})
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            link = Link(fleet.url, isolation=isolation)
            said = device.says(before)
            assert isinstance(said.said, Record)
            waiting = tasks.create_task(reports.extend_period(link, Report(said.sender, NOW, said.said)))
            while not await fleet.ask(f"select 1 {HELD_UP}"):  # noqa: ASYNC110  the database has no event for it
                await asyncio.sleep(0.005)
            await other.commit()

    await link.close()
    assert [one.outcome for one in waiting.result()] == expected
    assert (await fleet.history(device))[-1] == (after, 5 + len(expected))


async def test_the_statement_of_reports_is_right_whatever_changed_while_it_waited(
    fleet: Fleet, isolation: Transaction
) -> None:
    (device,) = await fleet.known(1)
    link = Link(fleet.url, isolation=isolation)
    async with await psycopg.AsyncConnection.connect(fleet.url) as other:
        await other.execute("update device_firmware set version = '7', report_count = 5")
        await other.execute("update device_versions set version = '7'")
        said = device.says("7")
        assert isinstance(said.said, Record)
        waiting = asyncio.create_task(reports.extend_histories(link, [Report(said.sender, NOW, said.said)]))
        while not await fleet.ask(f"select 1 {HELD_UP}"):  # noqa: ASYNC110  the database has no event for it
            await asyncio.sleep(0.005)
        await other.commit()

    (stored,) = await waiting
    await link.close()
    assert stored is not None
    assert [one.outcome for one in stored] == [ReportOutcome.EXTENDED]
    assert await fleet.history(device) == [("7", 6)]


async def test_a_component_that_others_open_and_close_meanwhile_keeps_its_history(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    (device,), list_closed = await fleet.devices(1), periods.list_closed_around

    async def list_after_others(*arguments: Any) -> Any:
        monkeypatch.setattr(periods, "list_closed_around", list_closed)
        for version, hours in (("1.0", 3), ("2.0", 2)):
            await fleet.ingest.submit(device.says(version, NOW - dt.timedelta(hours=hours)))
        return await list_closed(*arguments)

    monkeypatch.setattr(periods, "list_closed_around", list_after_others)
    await fleet.ingest.submit(device.says("1.0", NOW - dt.timedelta(hours=1)))

    assert await fleet.history(device) == [("1.0", 1), ("2.0", 1), ("1.0", 1)]


async def test_a_record_of_a_known_boot_is_stored_by_one_statement_at_the_moments_of_that_boot(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.ingest.submit(device.sends(60, sent=60))
    before = fleet.ingest.commits, fleet.database.commits

    late = NOW + dt.timedelta(seconds=33)  # by three seconds, which the request took
    (outcome,) = await fleet.ingest.submit(device.sends(70, 80, sent=90, received_at=late))

    assert (fleet.ingest.commits, fleet.database.commits) == (before[0] + 1, before[1])
    assert outcome.versions == [ReportOutcome.EXTENDED] * 2
    for moment, seconds in ((outcome.first, 10), (outcome.last, 20)):
        assert moment == ObservedMoment(at=NOW + dt.timedelta(seconds=seconds), source=ObservedAtSource.BOOT_CLOCK)
    assert await fleet.ask("select last_reported_at from device_firmware") == [(outcome.last.at,)] * 2
    assert await fleet.history(device) == [("1.0", 3)] * 2


ANOTHER_BOOT = """
    insert into device_boots (device_id, boot_id, project_id, started_at, source, recorded_at, api_key_id)
    select device_id, gen_random_uuid(), project_id, started_at, source, {}, {} from device_boots
"""
STRETCHES = (
    """[{"started_at": "2026-05-31T23:00:00+00:00", "source": "boot_clock", "until": "2026-05-31T23:00:01+00:00"}]"""
)


@pytest.mark.parametrize(
    ("change", "is_stored"),
    [
        ("update device_boots set started_at = started_at + interval '300 seconds'", True),
        ("update device_boots set started_at = started_at - interval '301 seconds'", False),
        ("update device_boots set started_at = started_at + interval '301 seconds'", False),
        ("delete from device_boots", False),
        ("update device_boots set api_key_id = null", False),
        ("update device_boots set api_key_id = gen_random_uuid()", False),
        ("update device_boots set source = 'device'", False),
        (f"update device_boots set stretches = '{STRETCHES}'", False),
        (ANOTHER_BOOT.format("recorded_at", "api_key_id"), False),
        (ANOTHER_BOOT.format("recorded_at - interval '1 second'", "api_key_id"), True),
        (ANOTHER_BOOT.format("recorded_at", "null"), True),
        (ANOTHER_BOOT.format("recorded_at", "gen_random_uuid()"), True),
    ],
)
async def test_the_statement_of_reports_leaves_alone_what_tells_more_of_boots(
    fleet: Fleet, isolation: Transaction, change: str, *, is_stored: bool
) -> None:
    device, neighbour = await fleet.device(), await fleet.device()
    for one in (device, neighbour):
        await fleet.ingest.submit(one.sends(60))
    async with await psycopg.AsyncConnection.connect(fleet.url) as conn:
        await conn.execute(f"{change} where device_id = '{device.id}'".encode())
    link = Link(fleet.url, isolation=isolation)

    received_at = NOW + dt.timedelta(minutes=10)
    stored = await reports.extend_histories(
        link, [_placed(one.sends(660, sent=660, received_at=received_at)) for one in (device, neighbour)]
    )

    await link.close()
    assert [bool(one) for one in stored] == [is_stored, True]


def _placed(submission: Submission) -> Report:
    assert isinstance(submission.said, ReportBatch)
    placed = batches.by_sending_boot(submission.said, submission.received_at)
    assert placed
    return Report(submission.sender, submission.received_at, *placed)
