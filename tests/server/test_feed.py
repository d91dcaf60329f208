"""The feed over a real database: whoever reads it skips and repeats nothing, and can rebuild every history."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import uuid
from collections.abc import AsyncGenerator

import pytest

from firmtrail_contract import ChangeKind, FirmwareChange
from firmtrail_server.db import Transaction
from firmtrail_server.ingest.rewrite import store_records
from firmtrail_server.services import deletion
from firmtrail_server.services import feed as feeds
from firmtrail_server.services.deletion import Sweeper, remove_devices
from firmtrail_server.services.feed import Feed, number_some
from tests.server.feed_consumer import Consumer, check, drain, read
from tests.server.feed_writers import Writer
from tests.server.heard_devices import Reporter, Site, at, open_site

KEPT = dt.timedelta(days=90)
DAY = 24 * 3600


@pytest.fixture
async def site(database_url: str) -> AsyncGenerator[Site]:
    async with open_site(database_url) as site:
        yield site


@pytest.fixture
def feed(site: Site) -> Feed:
    return Feed(site.database, KEPT)


@pytest.fixture
async def device(site: Site) -> Reporter:
    return await site.device(await site.project(), "one")


async def changes(site: Site, feed: Feed, project_id: uuid.UUID) -> list[FirmwareChange]:
    await feed.number(project_id)
    return await read(site.database, project_id, 0, 1_000)


def told(changes: list[FirmwareChange]) -> list[tuple[str, str | None, str | None]]:
    return [(one.kind.value, one.previous_version, one.version) for one in changes]


async def test_concurrent_writers_and_readers_skip_and_repeat_nothing(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "_NUMBERED_AT_ONCE", 7)
    project_id, is_over = await site.project(), asyncio.Event()
    devices = [await site.device(project_id, f"device {number}") for number in range(12)]
    seconds = iter(range(100_000))

    async def writing(site: Site, skew: float) -> None:
        writer = Writer(site, project_id, devices, lambda: at(next(seconds) / 10 + skew), longest_hold=0.05)
        for _ in range(50):
            await writer.write()

    async def reading(consumer: Consumer) -> None:
        feed = Feed(site.database, KEPT)
        while not is_over.is_set():
            await feed.number(project_id)
            consumer.apply(await read(site.database, project_id, consumer.last_number, random.randint(1, 20)))

    consumers = [Consumer(), Consumer()]
    async with open_site(database_url) as other:
        readers = [asyncio.create_task(reading(one)) for one in consumers]
        await asyncio.gather(*(writing(one, skew) for one in (site, other) for skew in (0, 0.3)))
        is_over.set()
        await asyncio.gather(*readers)
    await Sweeper(site.database).sweep(at(next(seconds)) + dt.timedelta(hours=1))

    for consumer in consumers:
        await drain(site.database, Feed(site.database, KEPT), project_id, consumer)
        assert await check(site.database, consumer) > 0
        assert {ChangeKind.OPENED, ChangeKind.INSERTED, ChangeKind.MOVED, ChangeKind.DEVICE_REMOVED} <= {
            *consumer.kinds
        }


async def test_a_change_that_is_committed_late_comes_last(site: Site, feed: Feed, device: Reporter) -> None:
    writer = Writer(site, device.project_id, [device], lambda: at(0))
    async with site.database.transaction(Transaction.INGEST) as conn:
        await store_records(conn, device.sender, at(0), [writer.record_of(at(0), at(0), "early")])
        other = await site.device(device.project_id, "other")
        await site.report(other, 60, version="late")
        seen = await changes(site, feed, device.project_id)

    assert [(one.number, one.version) for one in seen] == [(1, "late")]
    found = await changes(site, feed, device.project_id)
    assert [(one.number, one.version) for one in found] == [(1, "late"), (2, "early")]


async def test_an_unchanged_report_tells_the_feed_nothing(site: Site, feed: Feed, device: Reporter) -> None:
    await site.report(device, 0)
    await site.report(device, 60)
    await site.report_several(device, 120)

    assert told(await changes(site, feed, device.project_id)) == [("opened", None, "1")]


async def test_a_new_version_opens_a_period_after_the_one_before(site: Site, feed: Feed, device: Reporter) -> None:
    await site.report(device, 0)
    await site.report(device, 60, version="2")

    (_, second) = await changes(site, feed, device.project_id)

    assert (second.number, second.change_number, second.first_reported_at) == (2, 2, at(60))
    assert told([second]) == [("opened", "1", "2")]
    assert (second.device_id, second.component, second.recorded_at) == (device.id, "main", at(60))
    assert await site.rows("select period_id from device_firmware") == [(second.period_id,)]


async def test_a_late_report_that_splits_a_period_inserts_two(site: Site, feed: Feed, device: Reporter) -> None:
    await site.report(device, 0)
    await site.report(device, 100)
    await site.report(device, 120, version="2", observed=50)

    assert told(await changes(site, feed, device.project_id))[1:] == [("inserted", "1", "2"), ("inserted", "2", "1")]


async def test_a_late_report_before_a_period_moves_it(site: Site, feed: Feed, device: Reporter) -> None:
    await site.report(device, 100)
    await site.report(device, 120, observed=40)

    (opened, moved) = await changes(site, feed, device.project_id)

    assert moved.kind is ChangeKind.MOVED
    assert (moved.period_id, moved.first_reported_at) == (opened.period_id, at(40))


async def test_a_late_report_that_moves_no_beginning_tells_nothing(site: Site, feed: Feed, device: Reporter) -> None:
    await site.report(device, 0)
    await site.report(device, 100, version="2")
    await site.report(device, 120, observed=50)

    assert len(await changes(site, feed, device.project_id)) == 2


async def test_a_batch_of_new_versions_opens_each_of_them(site: Site, feed: Feed, device: Reporter) -> None:
    await site.report(device, 0)
    writer = Writer(site, device.project_id, [device], lambda: at(600))
    records = [writer.record_of(at(600), at(moment), version) for moment, version in ((60, "2"), (120, "3"))]

    await writer.store(device, at(600), records)

    assert told(await changes(site, feed, device.project_id))[1:] == [("opened", "1", "2"), ("opened", "2", "3")]


async def test_a_removal_comes_after_all_that_the_device_did(site: Site, feed: Feed, device: Reporter) -> None:
    await site.report(device, 0)
    await site.database.run(Transaction.WRITE, remove_devices, device.project_id, [device.id], at(60))

    (_, removed) = await changes(site, feed, device.project_id)

    assert removed.kind is ChangeKind.DEVICE_REMOVED
    assert (removed.device_id, removed.component, removed.change_number) == (device.id, None, None)


async def test_what_a_report_leaves_of_a_removed_device_is_removed_again(
    site: Site, feed: Feed, device: Reporter
) -> None:
    await site.report(device, 0)
    kept = await site.rows("select * from device_firmware")
    await site.database.run(Transaction.WRITE, remove_devices, device.project_id, [device.id], at(60))
    await changes(site, feed, device.project_id)
    await site.rows(f"insert into device_firmware values ({', '.join(['%s'] * len(kept[0]))})", *kept[0])

    await Sweeper(site.database).sweep(at(200))

    kinds = [one.kind for one in await changes(site, feed, device.project_id)]
    assert kinds == [ChangeKind.OPENED, ChangeKind.DEVICE_REMOVED, ChangeKind.DEVICE_REMOVED]


async def test_a_change_by_a_server_of_before_leaves_no_gap_in_the_count(
    site: Site, feed: Feed, device: Reporter
) -> None:
    await site.report(device, 0)
    await site.rows("update device_firmware set version = '2', period_id = gen_random_uuid()")
    await site.report(device, 60, version="3")

    found = await changes(site, feed, device.project_id)

    assert [one.change_number for one in found] == [1, 2]
    assert told(found)[1:] == [("opened", "2", "3")]


async def test_a_history_of_before_the_feed_counts_from_one(site: Site, feed: Feed, device: Reporter) -> None:
    await site.report(device, 0)
    await site.rows("delete from firmware_changes_new")
    await site.rows("update device_firmware set change_number = default")
    await site.report(device, 60, version="2")

    assert [one.change_number for one in await changes(site, feed, device.project_id)] == [1]


async def test_numbers_of_projects_do_not_depend_on_one_another(site: Site, feed: Feed, device: Reporter) -> None:
    other = await site.device(await site.project(), "other")
    await site.report(device, 0)
    await site.report(other, 0)

    await feed.number_all()

    rows = await site.rows("select project_id, number from firmware_changes order by project_id")
    assert rows == [(project_id, 1) for project_id in sorted([device.project_id, other.project_id])]


async def test_number_some_says_the_last_number(site: Site, device: Reporter) -> None:
    numbered = [await site.database.run(Transaction.INGEST, number_some, device.project_id)]
    await site.report(device, 0)
    numbered += [await site.database.run(Transaction.INGEST, number_some, device.project_id) for _ in range(2)]

    assert numbered == [(0, 0), (1, 1), (1, 0)]


async def test_numbers_are_given_in_batches(
    site: Site, feed: Feed, device: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "_NUMBERED_AT_ONCE", 3)
    for number in range(7):
        await site.report(device, number * 60, version=str(number))

    assert await site.database.run(Transaction.INGEST, number_some, device.project_id) == (3, 3)
    assert await feed.number(device.project_id) == 7


async def test_changes_are_trimmed_when_they_are_old(
    site: Site, feed: Feed, device: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "_TRIMMED_AT_ONCE", 2)
    for number in range(6):
        await site.report(device, number * 60, version=str(number))
    await feed.number(device.project_id)
    await site.rows("update firmware_changes set numbered_at = numbered_at - interval '91 days' where number <= 5")

    await feed.trim()

    assert await site.rows("select number from firmware_changes") == [(6,)]
    assert await site.rows("select first_number, last_number from firmware_feeds") == [(6, 6)]


async def test_a_feed_that_is_trimmed_empty_keeps_its_numbers(site: Site, feed: Feed, device: Reporter) -> None:
    await site.report(device, 0)
    await feed.number(device.project_id)
    await site.rows("update firmware_changes set numbered_at = numbered_at - interval '91 days'")

    await feed.trim()
    await site.report(device, 60, version="2")

    assert [one.number for one in await changes(site, feed, device.project_id)] == [2]


async def test_a_deleted_project_takes_its_feed_along(
    site: Site, feed: Feed, device: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "_CHANGES_AT_ONCE", 2)
    other = await site.device(await site.project(), "other")
    for number in range(5):
        await site.report(device, number * 60, version=str(number))
        await site.report(other, number * 60, version=str(number))
    await feed.number_all()
    for number in range(5, 10):
        await site.report(device, number * 60, version=str(number))
    await site.rows("update projects set deleted_at = now() where id = %s", device.project_id)

    await Sweeper(site.database).sweep(at(700))
    await Sweeper(site.database).sweep(at(900))

    for table in ("firmware_changes_new", "firmware_changes", "firmware_feeds"):
        assert await site.rows(f"select project_id from {table} where project_id <> %s", other.project_id) == []
    assert len(await changes(site, feed, other.project_id)) == 5


async def test_what_a_report_leaves_of_a_deleted_project_is_swept_up(site: Site, device: Reporter) -> None:
    await site.report(device, 0)
    kept = await site.rows("select * from firmware_changes_new")
    await site.rows("update projects set deleted_at = now()")
    await Sweeper(site.database).sweep(at(60))
    await site.rows(f"insert into firmware_changes_new values ({', '.join(['%s'] * len(kept[0]))})", *kept[0])

    await Sweeper(site.database).sweep(at(200))

    assert await site.rows("select count(*) from firmware_changes_new") == [(0,)]


async def test_nobody_numbers_a_project_that_is_gone(site: Site, feed: Feed, device: Reporter) -> None:
    gone = uuid.uuid4()

    assert await feed.number(gone) == 0
    assert await site.rows("select * from firmware_feeds") == []


async def test_of_those_who_number_at_once_each_change_gets_one_number(
    site: Site, feed: Feed, device: Reporter
) -> None:
    for number in range(50):
        await site.report(device, number * 60, version=str(number))

    last = await asyncio.gather(*(Feed(site.database, KEPT).number(device.project_id) for _ in range(8)))

    assert {*last} == {50}
    assert [one.number for one in await read(site.database, device.project_id, 0)] == [*range(1, 51)]
