"""The made-up fleet: what it holds, and how a server takes it that lives through its year."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from itertools import pairwise

import attrs
import pytest
from demo_fleet import fleet
from demo_past import fill

from firmtrail import AsyncClient
from firmtrail_server.app import create_app
from firmtrail_server.settings import Settings
from tests.served import serving

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


@attrs.frozen
class Project:
    """One that holds the fleet."""

    client: AsyncClient
    fill: Callable[[], Awaitable[None]]


@pytest.fixture
async def project(database_url: str) -> AsyncGenerator[Project]:
    app = create_app(Settings(seed_enabled=True, password_cost=4), database_url, clock=lambda: NOW)
    async with serving(app) as server, AsyncClient(server.url) as anyone:
        seeded = (await anyone.seed()).project_api_key
        key = f"{seeded.id}:{seeded.secret}"
        async with AsyncClient(server.url, api_key=key) as client:
            project = Project(client, partial(fill, database_url, key, NOW))
            await project.fill()
            yield project


def test_the_fleet_is_the_same_at_every_start() -> None:
    assert fleet() == fleet()


def test_observations_are_in_order_and_end_when_the_device_does() -> None:
    for device in fleet():
        moments = [moment for one in device.observations for moment in (one.first, one.last)]
        assert all(earlier >= later for earlier, later in pairwise(moments))
        assert moments[-1:] == ([] if device.last is None else [pytest.approx(device.last)])


async def test_the_fleet_answers_every_question_and_is_filled_once(project: Project) -> None:
    planned = {device.name: device.observations[-1].versions for device in fleet() if device.observations}

    devices = [device async for device in project.client.devices.list(labels={"model": None})]
    ids, running = {device.id for device in devices}, {one.name: one.firmware for one in devices if one.firmware}
    assert len(devices) == len(fleet())
    assert {name: {one.component: one.version for one in firmware} for name, firmware in running.items()} == planned

    await project.fill()  # it is whole, so nothing happens
    assert {device.id async for device in project.client.devices.list(labels={"model": None})} == ids

    silent = {device.name async for device in project.client.fleet.silent()}
    back = [device.name async for device in project.client.fleet.silent(state="ended")]
    rollbacks = [one async for one in project.client.fleet.rollbacks(since=NOW - dt.timedelta(days=90))]
    flapping = await project.client.fleet.flapping()
    (rule,) = (await project.client.fleet.compliance()).items

    assert silent == {device.name for device in fleet() if device.last is None or device.last > 1}
    assert back == ["hamburg-05"]
    assert len({one.device_name for one in rollbacks}) > 10
    assert [one.device_name for one in flapping.items] == ["berlin-22"]
    assert 0 < rule.on_accepted_version < rule.on_accepted_version + rule.on_other_version


async def test_what_an_interrupted_start_left_is_made_anew(project: Project) -> None:
    first = await project.client.devices.list(labels={"model": None}).first()
    assert first is not None
    await project.client.devices.delete(first.id)

    await project.fill()

    assert len([device async for device in project.client.devices.list(labels={"model": None})]) == len(fleet())
    assert len([rule async for rule in project.client.desired_versions.list()]) == 1
