"""One client reports for many devices: in as many requests as it takes, with a result for each report."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from firmtrail import AsyncClient, Client, DeviceReport, InvalidRequestError, PermissionDeniedError
from firmtrail._gateways import pieces
from firmtrail_contract import MAX_DEVICE_REPORTS
from tests.served import Server
from tests.server.conftest import Demo

NOON = dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)


def test_reports_are_cut_by_their_number_and_by_their_size() -> None:
    small = [{"device_name": "a", "version": str(number)} for number in range(2 * MAX_DEVICE_REPORTS + 1)]
    large = [{"device_name": "ä" * 128, "version": "ö" * 128} for _ in range(300)]

    by_number, by_size = [*pieces(small)], [*pieces(large)]

    assert [len(one.reports) for one in by_number] == [MAX_DEVICE_REPORTS, MAX_DEVICE_REPORTS, 1]
    assert len(by_size) > 2
    assert sum(len(one.reports) for one in by_size) == 300
    assert all(one["observed_at"] for piece in by_number for one in piece.said)


def test_a_naive_moment_is_refused_before_it_is_sent() -> None:
    naive = {"device_name": "a", "version": "1", "observed_at": NOON.replace(tzinfo=None)}

    with pytest.raises(InvalidRequestError):
        next(pieces([naive]))


def report_for_thirty(url: str, project_key: str) -> None:
    with Client(url, api_key=project_key) as admin:
        ids = [admin.devices.create(None, f"pump {number}").id for number in range(30)]
        key = admin.api_keys.create(None, "viewer", reports_for_devices=True)
    said = [
        DeviceReport(device_id=one, version=f"1.{day}", observed_at=NOON + dt.timedelta(days=day))
        for day in range(10)
        for one in ids
    ]
    said.insert(7, DeviceReport(device_name="nobody", version="1", observed_at=NOON))
    with Client(url, api_key=f"{key.id}:{key.secret}") as gateway:
        results = [*gateway.firmware.report_many(said)]

        assert [result.report for result in results] == said
        assert [result.report.device_name for result in results if not result.is_stored] == ["nobody"]
        assert [one.version for one in gateway.firmware.history(ids[3])] == [f"1.{day}" for day in range(10)]


async def test_each_report_has_its_result_in_its_place(server: Server, demo: Demo) -> None:
    await asyncio.to_thread(report_for_thirty, server.url, ":".join(demo.project_key))


async def test_a_key_that_is_no_gateways_may_not_report_for_devices(server: Server, demo: Demo) -> None:
    async with AsyncClient(server.url, api_key=":".join(demo.project_key)) as admin:
        with pytest.raises(PermissionDeniedError):
            async for _ in admin.firmware.report_many([{"device_name": "a", "version": "1"}]):
                pass
