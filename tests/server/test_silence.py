"""Who is silent: found by sweeps at moments of the test, and equal to a naive model."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator
from typing import Any, TypeAlias

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmtrail_server.db import Database, Transaction
from firmtrail_server.queries import devices
from firmtrail_server.services import silence
from firmtrail_server.services.deletion import Sweeper, remove_devices
from firmtrail_server.services.silence import SilenceSweeper
from firmtrail_server.telemetry.metrics import Metrics
from tests.server.heard_devices import START, Pace, Reporter, Site, at, open_site

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
#: of each silence: since when, and until when
Silences: TypeAlias = list[tuple[float, float | None]]


@pytest.fixture(autouse=True)
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "_DEVICES_AT_ONCE", 2)


@pytest.fixture
async def site(database_url: str) -> AsyncGenerator[Site]:
    async with open_site(database_url) as site:
        yield site


@pytest.fixture
def sweeper(site: Site) -> SilenceSweeper:
    return SilenceSweeper(site.database, Metrics())


@pytest.fixture
async def device(site: Site) -> Reporter:
    return await site.device(await site.project(), "one")


async def silences(site: Site, device: Reporter) -> Silences:
    statement = "select silent_since, ended_at from device_silences where device_id = %s order by silent_since"
    rows = await site.rows(statement, device.id)
    return [((since - START).total_seconds(), ended and (ended - START).total_seconds()) for since, ended in rows]


async def retire(site: Site, device: Reporter, moment: dt.datetime | None) -> None:
    await site.database.run(Transaction.WRITE, devices.update_retired_at, device.project_id, device.id, moment)


async def delete(site: Site, device: Reporter, now: float) -> None:
    await site.database.run(Transaction.WRITE, remove_devices, device.project_id, [device.id], at(now))


@attrs.define
class Model:
    """A device as a patient person would watch it."""

    created: float
    paces: dict[str, Pace] = attrs.field(factory=dict[str, Pace])
    silences: Silences = attrs.field(factory=list[tuple[float, float | None]])
    is_retired: bool = False

    def hear(self, now: float, component: str, interval: int | None) -> None:
        self.paces.setdefault(component, Pace()).hear(now, interval)

    def look(self, now: float) -> None:
        """See what a sweep at this moment sees."""
        heard = max((pace.heard_at or 0 for pace in self.paces.values()), default=self.created)
        since, ended = self.silences[-1] if self.silences else (None, 0)
        if since is not None and ended is None:
            self.silences.pop()
            if self.is_retired:
                return
            self.silences.append((since, heard if heard > since else None))
        if self.is_silent(now) and (not self.silences or self.silences[-1][1] is not None):
            self.silences.append((heard, None))

    def is_silent(self, now: float) -> bool:
        is_fresh = any(pace.is_fresh(now) for pace in self.paces.values())
        return not self.is_retired and not is_fresh and self.created < now - HOUR


waits = st.tuples(
    st.sampled_from(["wait", "wait", "pause"]),
    st.sampled_from([MINUTE, 20 * MINUTE, 70 * MINUTE, 4 * HOUR, DAY, 4 * DAY]),
)
reports = st.tuples(
    st.just("report"), st.integers(0, 2), st.sampled_from(["main", "modem"]), st.sampled_from([None, None, 600, DAY])
)
services = st.tuples(st.sampled_from(["retire", "restore"]), st.integers(0, 2))
events = st.lists(st.one_of(waits, waits, reports, reports, services), max_size=25)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events)
async def test_sweeps_find_what_the_naive_model_finds(
    site: Site, sweeper: SilenceSweeper, events: list[tuple[str, int, *tuple[Any, ...]]]
) -> None:
    project_id, now = await site.project(), 0
    fleet = [await site.device(project_id, f"device {number}") for number in range(3)]
    models = [Model(created=0) for _ in fleet]
    for kind, which, *said in events:
        if kind == "pause":
            now += which
        elif kind == "wait":
            now += which
            await sweeper.sweep(at(now))
            for model in models:
                model.look(now)
            assert [await silences(site, device) for device in fleet] == [model.silences for model in models]
        elif kind == "report":
            component, interval = said
            await site.report(fleet[which], now, component=component, interval=interval)
            models[which].hear(now, component, interval)
        else:
            await retire(site, fleet[which], at(now) if kind == "retire" else None)
            models[which].is_retired = kind == "retire"


async def test_a_device_that_never_reports_is_silent_after_an_hour(
    site: Site, sweeper: SilenceSweeper, device: Reporter
) -> None:
    await sweeper.sweep(at(HOUR))
    assert await silences(site, device) == []

    await sweeper.sweep(at(HOUR + 1))

    assert await silences(site, device) == [(0, None)]


async def test_an_announced_interval_wins_over_a_short_cadence(
    site: Site, sweeper: SilenceSweeper, device: Reporter
) -> None:
    await site.report(device, 0, interval=DAY)
    await site.report(device, 10, interval=DAY)

    await sweeper.sweep(at(3 * DAY))
    assert await silences(site, device) == []

    await sweeper.sweep(at(3 * DAY + 11))

    assert await silences(site, device) == [(10, None)]


async def test_a_spool_from_long_ago_ends_a_silence(site: Site, sweeper: SilenceSweeper, device: Reporter) -> None:
    await site.report(device, 0)
    await sweeper.sweep(at(DAY))

    await site.report(device, 2 * DAY, observed=HOUR)
    await sweeper.sweep(at(2 * DAY + MINUTE))

    assert await silences(site, device) == [(0, 2 * DAY)]


async def test_a_device_that_reported_once_between_sweeps_is_silent_anew(
    site: Site, sweeper: SilenceSweeper, device: Reporter
) -> None:
    await site.report(device, 0)
    await sweeper.sweep(at(DAY))
    await site.report(device, 2 * DAY)

    await sweeper.sweep(at(30 * DAY))

    assert await silences(site, device) == [(0, 2 * DAY), (2 * DAY, None)]


async def test_a_device_unheard_since_the_migration_goes_by_its_own_moment(
    site: Site, sweeper: SilenceSweeper, device: Reporter
) -> None:
    await site.report(device, 0)
    await site.rows("update device_firmware set heard_at = null, cadence = null")

    await sweeper.sweep(at(3 * HOUR))
    assert await silences(site, device) == []

    await sweeper.sweep(at(3 * HOUR + 1))

    assert await silences(site, device) == [(0, None)]


async def test_silences_are_found_again_when_all_are_lost(
    site: Site, sweeper: SilenceSweeper, device: Reporter
) -> None:
    await site.report(device, 0)
    await sweeper.sweep(at(DAY))
    await site.rows("delete from device_silences")

    await SilenceSweeper(site.database, Metrics()).sweep(at(2 * DAY))

    assert await silences(site, device) == [(0, None)]


async def test_a_restart_changes_no_silence(site: Site, sweeper: SilenceSweeper, device: Reporter) -> None:
    await site.report(device, 0)
    await sweeper.sweep(at(DAY))
    before = await site.rows("select * from device_silences")

    await SilenceSweeper(site.database, Metrics()).sweep(at(2 * DAY))

    assert await site.rows("select * from device_silences") == before


async def test_ended_silences_are_kept_for_90_days(site: Site, sweeper: SilenceSweeper, device: Reporter) -> None:
    await site.report(device, 0)
    await sweeper.sweep(at(DAY))
    await site.report(device, 2 * DAY)
    await sweeper.sweep(at(2 * DAY))

    await sweeper.sweep(at(92 * DAY))
    assert (0, 2 * DAY) in await silences(site, device)

    await sweeper.sweep(at(92 * DAY + 1))

    assert await silences(site, device) == [(2 * DAY, None)]


async def test_a_deleted_device_leaves_no_silence(site: Site, sweeper: SilenceSweeper, device: Reporter) -> None:
    await site.report(device, 0)
    await sweeper.sweep(at(DAY))
    await site.report(device, 2 * DAY)
    await sweeper.sweep(at(2 * DAY))
    await sweeper.sweep(at(9 * DAY))

    await delete(site, device, 9 * DAY)
    await sweeper.sweep(at(10 * DAY))

    assert await silences(site, device) == []


async def test_a_silence_stored_while_its_device_goes_is_swept_up(
    site: Site, sweeper: SilenceSweeper, device: Reporter
) -> None:
    await sweeper.sweep(at(DAY))
    stored = await site.rows("select device_id, silent_since, project_id, found_at from device_silences")
    await delete(site, device, DAY)
    insert = "insert into device_silences (device_id, silent_since, project_id, found_at) values (%s, %s, %s, %s)"
    await site.rows(insert, *stored[0])

    await Sweeper(site.database).sweep(at(DAY + 2 * MINUTE))

    assert await silences(site, device) == []


async def test_devices_of_a_deleted_project_are_not_silent(
    site: Site, sweeper: SilenceSweeper, device: Reporter
) -> None:
    await sweeper.sweep(at(DAY))
    await site.rows("update projects set deleted_at = %s", at(DAY))

    await sweeper.sweep(at(DAY + MINUTE))

    assert await silences(site, device) == []


async def test_of_servers_that_sweep_at_once_one_does(site: Site, device: Reporter, database_url: str) -> None:
    databases = [Database(database_url) for _ in range(4)]
    for database in databases:
        await database.open()
    sweepers = [SilenceSweeper(database, Metrics()) for database in databases]

    did = await asyncio.gather(*(one.sweep_if_due(at(DAY)) for one in sweepers))

    assert sorted(did) == [False, False, False, True]
    assert await silences(site, device) == [(0, None)]
    for database in databases:
        await database.close()


async def test_two_sweeps_at_once_store_each_silence_once(
    site: Site, sweeper: SilenceSweeper, device: Reporter
) -> None:
    for number in range(20):
        await site.device(device.project_id, f"device {number}")

    await asyncio.gather(*(sweeper.sweep(at(DAY)) for _ in range(3)))

    assert await site.rows("select count(*), count(distinct device_id) from device_silences") == [(21, 21)]


@pytest.mark.parametrize(
    ("begun", "is_due"), [("- interval '59 s'", False), ("- interval '61 s'", True), ("+ interval '1 day'", True)]
)
async def test_a_sweep_is_due_after_a_minute(site: Site, sweeper: SilenceSweeper, begun: str, *, is_due: bool) -> None:
    await site.rows(f"insert into periodic_work values ('silences', now() {begun})")

    assert await sweeper.sweep_if_due(at(0)) is is_due


async def test_a_database_that_is_away_does_not_end_the_sweeps(
    site: Site, device: Reporter, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "_SECONDS_BETWEEN_LOOKS", 0.01)
    database, looks = Database(database_url), asyncio.Semaphore(0)

    def clock() -> dt.datetime:
        looks.release()
        return at(DAY)

    run = asyncio.create_task(SilenceSweeper(database, Metrics()).run(clock))
    async with asyncio.timeout(30):
        for _ in range(3):
            await looks.acquire()
        await database.open()
        while not await silences(site, device):
            pass

    run.cancel()
    await asyncio.wait([run])
    await database.close()


async def test_metrics_count_silent_devices_and_sweeps(site: Site, device: Reporter) -> None:
    metrics = Metrics()
    await SilenceSweeper(site.database, metrics).sweep_if_due(at(DAY))

    values = {sample.name: sample.value for family in metrics.collect() for sample in family.samples}

    assert values["firmtrail_silent_devices"] == 1
    assert values["firmtrail_silence_sweep_seconds_count"] == 1
    assert await silences(site, device) == [(0, None)]
