"""Silences in the feed: whoever keeps by it who is silent has what the table has."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import AsyncGenerator

import pytest

from firmtrail_contract import ChangeKind, FirmwareChange
from firmtrail_server.db import Transaction
from firmtrail_server.queries import devices
from firmtrail_server.services.feed import Feed
from firmtrail_server.services.silence import SilenceSweeper
from firmtrail_server.telemetry.metrics import Metrics
from tests.server.feed_consumer import read
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


async def test_silences_are_told_when_they_begin_and_end(site: Site, feed: Feed, device: Reporter) -> None:
    sweeper = SilenceSweeper(site.database, Metrics())
    await site.report(device, 0)
    await sweeper.sweep(at(DAY))
    await sweeper.sweep(at(DAY + 60))
    await site.report(device, 2 * DAY)
    await sweeper.sweep(at(2 * DAY))

    (_, fell, heard) = await changes(site, feed, device.project_id)

    assert (fell.kind, fell.silent_since, fell.ended_at) == (ChangeKind.FELL_SILENT, at(0), None)
    assert (heard.kind, heard.silent_since, heard.ended_at) == (ChangeKind.HEARD_AGAIN, at(0), at(2 * DAY))


async def test_whoever_keeps_silence_by_the_feed_has_what_the_table_has(
    site: Site, feed: Feed, device: Reporter
) -> None:
    sweeper, never_heard = SilenceSweeper(site.database, Metrics()), await site.device(device.project_id, "never heard")
    await site.report(device, 0)
    silent: set[uuid.UUID] = set()
    after = 0
    #: several at once are numbered together
    for day, retired, restored, reports in [
        (1, None, None, False),
        (2, device, None, False),
        (3, None, device, False),
        (4, None, None, True),
        (5, never_heard, None, False),
        (6, None, None, False),
        (7, device, None, False),
    ]:
        for reporter, moment in ((retired, at(day * DAY)), (restored, None)):
            if reporter is not None:
                await site.database.run(
                    Transaction.WRITE, devices.update_retired_at, device.project_id, reporter.id, moment
                )
        if reports:
            await site.report(device, day * DAY)
        await sweeper.sweep(at(day * DAY))
        if day in {3, 5, 7}:
            await feed.number(device.project_id)
            for change in await read(site.database, device.project_id, after):
                after = change.number
                if change.kind is ChangeKind.FELL_SILENT:
                    silent.add(change.device_id)
                elif change.kind in {ChangeKind.HEARD_AGAIN, ChangeKind.SILENCE_WITHDRAWN}:
                    silent.remove(change.device_id)
            rows = await site.rows("select device_id from device_silences where ended_at is null")
            assert silent == {row[0] for row in rows}, day
    assert silent == set()
