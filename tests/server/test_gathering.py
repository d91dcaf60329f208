"""Reports that wait for one another: stored together, in order, each with its own outcome."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import attrs
import psycopg
import pytest

from firmtrail_contract import FirmwareReceipt, FirmwareReport, NewDevice, ReportOutcome
from firmtrail_server import keys, recording
from firmtrail_server.db import Database, run
from firmtrail_server.errors import DatabaseUnavailable, ReportQueueFull, Unauthenticated
from firmtrail_server.gathering import Recorder
from firmtrail_server.keys import Terms
from firmtrail_server.meaning import Observation, Report, observation
from firmtrail_server.queries import devices, firmware, projects
from firmtrail_server.writer import Writer

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
HELD_UP = "from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
AWKWARD = ["NULL", "null", 'say "1.0"', "it's", "1,0", "{1.0}", "a\\b", "\\", "🙂", "%s", "$1", "ﷺ" * 100, " "]


@attrs.frozen
class Device:
    id: uuid.UUID
    key_id: uuid.UUID
    project_id: uuid.UUID

    def says(self, version: str = "1.0", at: dt.datetime | None = None, component: str = "main") -> Report:
        said = FirmwareReport(version=version, component=component, observed_at=at)
        return self.says_all(observation(self.id, said, NOW))

    def says_all(self, *observations: Observation) -> Report:
        return Report(api_key_id=self.key_id, project_id=self.project_id, observations=observations)


@attrs.frozen
class Fleet:
    """A project's devices, and a recorder that stores what they say."""

    url: str
    database: Database
    recorder: Recorder
    project_id: uuid.UUID

    async def device(self) -> Device:
        async with self.database.transaction() as conn:
            device = await devices.insert(conn, self.project_id, NewDevice(name=str(uuid.uuid4())), NOW)
            key = await keys.issue_for_device(conn, device, Terms(created_by=None, created_at=NOW))
        return Device(device.id, key.id, self.project_id)

    async def devices(self, count: int) -> list[Device]:
        return [await self.device() for _ in range(count)]

    async def history(self, device: Device) -> list[tuple[str, int]]:
        async with self.database.transaction() as conn:
            periods = await firmware.list_periods(conn, self.project_id, device.id, firmware.BEGINNING, 1_000)
        return [(period.shown.version, period.shown.report_count) for period in periods]

    async def ask(self, query: str) -> list[tuple[object, ...]]:
        async with await psycopg.AsyncConnection.connect(self.url) as conn:
            return await (await conn.execute(query.encode())).fetchall()

    @asynccontextmanager
    async def held_up(self) -> AsyncGenerator[list[asyncio.Task[list[FirmwareReceipt]]]]:
        """Hold up the transaction of a first report; tasks put into the list wait for its end."""
        first = await self.device()
        async with await psycopg.AsyncConnection.connect(self.url) as conn:
            await conn.execute("lock table device_firmware in access exclusive mode")
            waiting = [asyncio.create_task(self.recorder.record(first.says()))]
            while not await self.ask(f"select 1 {HELD_UP}"):  # noqa: ASYNC110  the database has no event for it
                await asyncio.sleep(0.005)
            yield waiting
            await asyncio.sleep(0)  # let the tasks begin

    async def record(self, *reports: Report) -> list[list[FirmwareReceipt] | BaseException]:
        """Record reports that arrive while a transaction is under way."""
        async with self.held_up() as waiting:
            waiting += [asyncio.create_task(self.recorder.record(report)) for report in reports]
        return (await asyncio.gather(*waiting, return_exceptions=True))[1:]


@asynccontextmanager
async def running(url: str, database: Database, max_waiting: int = 1_000) -> AsyncGenerator[Recorder]:
    recorder = Recorder(database, Writer(url), max_waiting=max_waiting)
    recorder.open()
    yield recorder
    await recorder.close()


@pytest.fixture
async def fleet(database_url: str) -> AsyncGenerator[Fleet]:
    database = Database(database_url)
    await database.open()
    async with database.transaction() as conn:
        project = await projects.insert(conn, "Test", NOW)
    async with running(database_url, database, max_waiting=300) as recorder:
        yield Fleet(database_url, database, recorder, project.id)
    await database.close()


def outcomes(recorded: list[list[FirmwareReceipt] | BaseException]) -> list[object]:
    return [said if isinstance(said, BaseException) else said[0].outcome for said in recorded]


async def test_reports_that_arrive_during_a_transaction_are_stored_by_the_next_one(fleet: Fleet) -> None:
    reporting = await fleet.devices(50)

    await fleet.record(*[device.says() for device in reporting])

    assert await fleet.ask("select count(*), count(distinct xmin::text) from device_firmware") == [(51, 2)]


async def test_the_reports_of_one_device_keep_their_order_within_a_transaction(fleet: Fleet) -> None:
    device = await fleet.device()
    versions = ["1", "2", "2", "1", "3", "1"]

    recorded = await fleet.record(*[device.says(version) for version in versions])

    assert await fleet.history(device) == [("1", 1), ("2", 2), ("1", 1), ("3", 1), ("1", 1)]
    assert [said.version for receipts in recorded if isinstance(receipts, list) for said in receipts] == versions
    assert await fleet.ask("select count(distinct xmin::text) from device_firmware") == [(2,)]


async def test_any_printable_version_is_kept_beside_any_other(fleet: Fleet) -> None:
    reporting = await fleet.devices(len(AWKWARD))

    recorded = await fleet.record(*[d.says(version) for d, version in zip(reporting, AWKWARD, strict=True)])

    assert outcomes(recorded) == [ReportOutcome.OPENED] * len(AWKWARD)
    assert [(await fleet.history(device))[0][0] for device in reporting] == AWKWARD


async def test_one_that_the_database_refuses_fails_alone(fleet: Fleet) -> None:
    reporting = await fleet.devices(9)
    bad = reporting[4]
    oversized = bad.says_all(attrs.evolve(bad.says().observations[0], version="x" * 200))

    recorded = await fleet.record(*[oversized if device is bad else device.says() for device in reporting])

    assert isinstance(recorded.pop(4), psycopg.errors.CheckViolation)
    assert outcomes(recorded) == [ReportOutcome.OPENED] * 8
    assert await fleet.history(bad) == []
    assert all([await fleet.history(device) for device in reporting if device is not bad])


async def test_a_key_that_is_deleted_while_its_report_waits_is_refused_and_its_neighbours_are_not(fleet: Fleet) -> None:
    first, revoked, last = await fleet.devices(3)
    async with fleet.held_up() as waiting:
        waiting += [asyncio.create_task(fleet.recorder.record(device.says())) for device in (first, revoked, last)]
        async with fleet.database.transaction() as conn:
            await conn.execute("delete from api_keys where id = %s", [revoked.key_id])

    recorded = (await asyncio.gather(*waiting, return_exceptions=True))[1:]

    assert isinstance(recorded.pop(1), Unauthenticated)
    assert outcomes(recorded) == [ReportOutcome.OPENED] * 2
    assert await fleet.history(revoked) == []


async def test_a_late_report_finds_its_place_and_does_not_hold_up_the_others(fleet: Fleet) -> None:
    device, other = await fleet.devices(2)
    await fleet.recorder.record(device.says("2.0", NOW))

    recorded = await fleet.record(device.says("1.0", NOW - dt.timedelta(days=1)), other.says())

    assert outcomes(recorded) == [ReportOutcome.OPENED] * 2
    assert await fleet.history(device) == [("1.0", 1), ("2.0", 1)]


async def test_a_report_with_a_late_part_is_stored_whole(fleet: Fleet) -> None:
    device = await fleet.device()
    yesterday, tomorrow = NOW - dt.timedelta(days=1), NOW + dt.timedelta(minutes=1)
    await fleet.recorder.record(device.says("2.0", NOW))
    parts = [device.says("1.0", yesterday), device.says("0.9", tomorrow, "modem")]

    receipts = await fleet.recorder.record(device.says_all(*[part.observations[0] for part in parts]))

    assert [receipt.outcome for receipt in receipts] == [ReportOutcome.OPENED] * 2
    assert await fleet.history(device) == [("1.0", 1), ("2.0", 1), ("0.9", 1)]


async def test_a_full_queue_refuses_what_comes_next_and_stores_what_it_took(fleet: Fleet) -> None:
    device = await fleet.device()

    recorded = await fleet.record(*[device.says(str(number)) for number in range(301)])

    assert isinstance(recorded.pop(), ReportQueueFull)
    assert await fleet.history(device) == [(str(number), 1) for number in range(300)]


async def test_a_report_whose_request_was_given_up_is_not_stored(fleet: Fleet) -> None:
    patient, impatient = await fleet.devices(2)
    async with fleet.held_up() as waiting:
        waiting += [asyncio.create_task(fleet.recorder.record(device.says())) for device in (patient, impatient)]
        await asyncio.sleep(0)
        waiting.pop().cancel()

    await asyncio.gather(*waiting)

    assert await fleet.history(patient) == [("1.0", 1)]
    assert await fleet.history(impatient) == []


async def test_reports_whose_requests_were_all_given_up_do_not_end_the_recorder(fleet: Fleet) -> None:
    device = await fleet.device()
    async with fleet.held_up() as waiting:
        given_up = asyncio.create_task(fleet.recorder.record(device.says()))
        await asyncio.sleep(0)
        given_up.cancel()
    await asyncio.gather(*waiting)

    async with asyncio.timeout(10):
        assert outcomes([await fleet.recorder.record(device.says("2.0"))]) == [ReportOutcome.OPENED]


async def test_a_connection_that_breaks_acknowledges_nothing_and_the_next_report_gets_a_new_one(fleet: Fleet) -> None:
    device = await fleet.device()
    async with fleet.held_up() as waiting:
        await fleet.ask(f"select pg_terminate_backend(pid) {HELD_UP}")

        with pytest.raises(DatabaseUnavailable):
            await waiting[0]

    assert await fleet.ask("select count(*) from device_firmware") == [(0,)]
    assert outcomes([await fleet.recorder.record(device.says())]) == [ReportOutcome.OPENED]


async def test_a_connection_that_broke_while_idle_fails_no_report(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.recorder.record(device.says())
    await fleet.ask(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )

    assert outcomes([await fleet.recorder.record(device.says())]) == [ReportOutcome.EXTENDED]


async def test_what_two_servers_record_at_once_is_all_counted(fleet: Fleet) -> None:
    reporting = await fleet.devices(5)
    async with running(fleet.url, fleet.database) as other:
        for _ in range(10):
            await asyncio.gather(*(r.record(device.says()) for device in reporting for r in (fleet.recorder, other)))

    assert [await fleet.history(device) for device in reporting] == [[("1.0", 20)]] * 5


async def test_a_version_that_two_servers_replace_at_once_is_closed_once(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.recorder.record(device.says("1.0"))

    async with fleet.database.transaction() as conn:
        await recording.record_together(partial(run, conn), [device.says("2.0")])
        colliding = asyncio.create_task(fleet.recorder.record(device.says("3.0")))
        while not await fleet.ask(f"select 1 {HELD_UP}"):  # noqa: ASYNC110  the database has no event for it
            await asyncio.sleep(0.005)

    assert outcomes([await colliding]) == [ReportOutcome.OPENED]
    assert await fleet.history(device) == [("1.0", 1), ("2.0", 1), ("3.0", 1)]
