"""A database that goes away under load: 503 meanwhile, no report is lost, and the server recovers by itself."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import psycopg
import pytest

from firmtrail_server.app import create_app
from firmtrail_server.db import failures
from firmtrail_server.settings import Settings
from tests.served import serving
from tests.server.faults.conftest import Cluster, Serve
from tests.server.faults.load import CALLERS, loaded

ROUNDS = 2
_TERMINATE = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)


async def test_connections_that_the_database_ends_lose_and_double_nothing(database_url: str, serve: Serve) -> None:
    async with (
        loaded(database_url, serve(FIRMTRAIL_DATABASE_URL=database_url).url()) as load,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as admin,
    ):
        for _ in range(ROUNDS):
            await load.acknowledged(random.randrange(20, 100))
            await admin.execute(_TERMINATE)

    assert load.answers[0] == 0


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_the_servers_own_database_is_started_again_when_it_is_killed_and_nothing_is_lost_or_doubled(
    data_dir: Path, cluster: Cluster, serve: Serve, workers: str
) -> None:
    server = serve(FIRMTRAIL_DATA_DIR=str(data_dir), FIRMTRAIL_WORKERS=workers)
    async with loaded(cluster.url, server.url()) as load:
        for _ in range(ROUNDS):
            await load.acknowledged(random.randrange(20, 200))
            cluster.signal(signal.SIGKILL)
            await load.refused(1)

    assert load.answers[0] == 0
    assert server.said.count("PostgreSQL had died and was started again") == ROUNDS


async def test_a_database_that_stands_still_holds_no_request_for_ever_and_goes_on_where_it_was(
    cluster: Cluster, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(create_app(settings, cluster.url)) as server, loaded(cluster.url, server.url) as load:
        monkeypatch.setattr(
            failures, "LONGEST_SECONDS", 1
        )  # not earlier: to make the devices takes a busy machine longer
        await load.acknowledged(2 * CALLERS)
        cluster.signal(signal.SIGSTOP)
        try:
            await load.refused(CALLERS)
        finally:
            cluster.signal(signal.SIGCONT)
