"""The SDK against the real server."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from firmtrail import (
    ApiKey,
    AsyncClient,
    AuthenticationError,
    Client,
    InvalidRequestError,
    NotFoundError,
    ObservedAtSource,
    PermissionDeniedError,
    ReportOutcome,
    VersionPeriod,
)
from tests.served import Server
from tests.server.conftest import Demo


def url(server: Server) -> str:
    return server.url


def key(pair: tuple[str, str]) -> str:
    return ":".join(pair)


async def test_what_a_device_reports_its_project_reads(server: Server, demo: Demo) -> None:
    async with (
        AsyncClient(url(server), api_key=key(demo.device_key)) as device,
        AsyncClient(url(server), api_key=ApiKey(id=demo.project_key[0], secret=demo.project_key[1])) as project,
    ):
        moment = dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)
        receipt = await device.firmware.report(demo.device_id, "1.4.2", observed_at=moment)
        periods = [period async for period in project.firmware.history(demo.device_id)]

    assert receipt.outcome is ReportOutcome.OPENED
    assert [(p.component, p.version, p.first_reported_at) for p in periods] == [("main", "1.4.2", moment)]


@pytest.mark.parametrize("strict", [True, False])
async def test_a_strict_report_keeps_the_moment_of_an_old_history(server: Server, demo: Demo, strict: bool) -> None:  # noqa: FBT001
    async with AsyncClient(url(server), api_key=key(demo.device_key)) as device:
        moment = dt.datetime(2019, 5, 3, 12, tzinfo=dt.UTC)

        receipt = await device.firmware.report(demo.device_id, "1.4.2", observed_at=moment, strict=strict)

    assert (receipt.observed_at == moment) is strict
    assert receipt.observed_at_source is (ObservedAtSource.DEVICE if strict else ObservedAtSource.SERVER)


async def test_the_sync_client_does_the_same(server: Server, demo: Demo) -> None:
    def use() -> list[VersionPeriod]:
        with Client(url(server), api_key=key(demo.device_key)) as device:
            device.firmware.report(demo.device_id, "1.0", component="modem")
        with Client(url(server), api_key=key(demo.project_key)) as project:
            return list(project.firmware.history(demo.device_id))

    assert [(p.component, p.version) for p in await asyncio.to_thread(use)] == [("modem", "1.0")]


async def test_a_history_of_many_pages_comes_whole_and_again(server: Server, demo: Demo) -> None:
    async with (
        AsyncClient(url(server), api_key=key(demo.device_key)) as device,
        AsyncClient(url(server), api_key=key(demo.project_key)) as project,
    ):
        for hour in range(5):
            moment = dt.datetime(2026, 5, 3, hour, tzinfo=dt.UTC)
            await device.firmware.report(demo.device_id, f"v{hour}", observed_at=moment)
        history = project.firmware.history(demo.device_id, page_size=2)

        read = [[period.version async for period in history] for _ in range(2)]
        pages = [len(page.items) async for page in history.pages()]
        limited = [period.version async for period in project.firmware.history(demo.device_id, limit=3, page_size=2)]
        first = await history.first()

    assert read == [[f"v{hour}" for hour in range(5)]] * 2
    assert pages == [2, 2, 1]
    assert limited == ["v0", "v1", "v2"]
    assert first is not None
    assert first.version == "v0"


async def test_seed_needs_no_credentials(server: Server) -> None:
    async with AsyncClient(url(server)) as client:
        seed = await client.seed()

    assert seed.device.project_id == seed.project.id
    assert seed.device_api_key.secret not in repr(seed)


async def test_each_refusal_has_its_class_and_names_the_request(server: Server, demo: Demo) -> None:
    async with (
        AsyncClient(url(server), api_key=f"{demo.device_key[0]}:{demo.project_key[1]}") as stranger,
        AsyncClient(url(server), api_key=key(demo.device_key)) as device,
        AsyncClient(url(server), api_key=key(demo.project_key)) as project,
    ):
        with pytest.raises(AuthenticationError) as unknown:
            await stranger.firmware.report(demo.device_id, "1")
        with pytest.raises(PermissionDeniedError):
            await project.firmware.report(demo.device_id, "1")
        with pytest.raises(NotFoundError):
            await device.firmware.report("00000000-0000-4000-8000-000000000000", "1")

    assert unknown.value.request_id
    assert unknown.value.request_id in str(unknown.value)


@pytest.mark.parametrize(("version", "pointer"), [("", "/version"), ("a\n", "/version"), ("x" * 129, "/version")])
async def test_a_bad_version_is_refused_before_it_is_sent(version: str, pointer: str) -> None:
    async with AsyncClient("http://127.0.0.1:9") as client:
        with pytest.raises(InvalidRequestError) as refused:
            await client.firmware.report("00000000-0000-4000-8000-000000000000", version)

    assert [error.pointer for error in refused.value.errors] == [pointer]


async def test_a_naive_moment_is_refused_before_it_is_sent() -> None:
    async with AsyncClient("http://127.0.0.1:9") as client:
        with pytest.raises(InvalidRequestError, match="aware"):
            await client.firmware.report(
                "00000000-0000-4000-8000-000000000000",
                "1",
                observed_at=dt.datetime(2026, 5, 3),  # noqa: DTZ001  the point
            )
