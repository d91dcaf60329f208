"""A transaction that somebody leaves open: reports and reads go on, and the operator is told."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import psycopg
import pytest
from psycopg import AsyncConnection, IsolationLevel

from firmtrail_contract import strict_converter
from firmtrail_server.app import create_app
from firmtrail_server.services import readiness
from firmtrail_server.settings import Settings
from tests.served import serving
from tests.server import batching
from tests.server.batching import reading, record
from tests.server.conftest import Demo, seed
from tests.server.faults.conftest import Cluster
from tests.server.faults.load import loaded

_converter = strict_converter()
#: more transactions than the database has room for the predicate locks of, at SERIALIZABLE
REPORTS = 4_000


@asynccontextmanager
async def left_open(url: str) -> AsyncGenerator[None]:
    async with await AsyncConnection.connect(url) as stranger:
        await stranger.set_isolation_level(IsolationLevel.SERIALIZABLE)
        await stranger.execute("select count(*) from projects")
        yield


async def test_reports_batches_and_reads_go_on_beside_an_open_transaction(cluster: Cluster, settings: Settings) -> None:
    async with (
        serving(create_app(settings, cluster.url)) as server,
        httpx.AsyncClient(base_url=server.url) as http,
        left_open(cluster.url),
        loaded(cluster.url, server.url) as load,
    ):
        demo = await seed(http)
        statuses: set[int] = set()
        stored = asyncio.create_task(load.acknowledged(REPORTS))
        for number in range(10**6):
            statuses |= {await batch(http, demo, number), await read(http, demo)}
            if stored.done():
                break
        await stored

        assert statuses == {200}
        assert load.answers[503] == 0


async def batch(http: httpx.AsyncClient, demo: Demo, number: int) -> int:
    """Send what an agent sends, of a boot that is new each tenth time."""
    now = reading(number // 10 + 1, number % 10)
    answer = await http.post(
        f"/v1/devices/{demo.device_id}/firmware_reports",
        json=_converter.unstructure(batching.batch(now, record(now))),
        auth=demo.device_key,
    )
    return answer.status_code


async def read(http: httpx.AsyncClient, demo: Demo) -> int:
    return (await http.get(demo.path, auth=demo.project_key)).status_code


async def test_readyz_metrics_and_the_log_name_the_oldest_transaction(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(readiness, "OLD_SECONDS", 0)
    settings = Settings(metrics_token="of-the-tests-0123456789")
    async with (
        serving(create_app(settings, database_url)) as server,
        httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {settings.metrics_token}"}) as http,
    ):
        async with await psycopg.AsyncConnection.connect(database_url) as stranger:
            await stranger.execute("select 1")
            pid, named = stranger.info.backend_pid, {"pid": 0, "state": ""}
            with caplog.at_level(logging.WARNING):
                for _ in range(1_000):  # until one of the server's own that was older has ended
                    named = (await http.get("/readyz")).json()["oldest_transaction"]
                    if named["pid"] == pid:
                        break
                await http.get("/readyz")
            metrics = (await http.get("/metrics")).text

        assert (named["pid"], named["state"]) == (pid, "idle in transaction")
        (seconds,) = re.findall(r"^firmtrail_database_oldest_transaction_seconds (\S+)$", metrics, re.MULTILINE)
        assert float(seconds) > 0
        warnings = [one.message for one in caplog.records if one.name == readiness.__name__]
        assert len([message for message in warnings if f"pid {pid}" in message]) == 1
