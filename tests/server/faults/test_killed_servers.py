"""kill -9 of servers, and several of them on one database, under load: no report is lost or counted twice."""

from __future__ import annotations

import os
import random
import signal

from tests.server.faults.conftest import Serve
from tests.server.faults.load import loaded
from tests.server.server_process import children

ROUNDS = 2


async def test_no_acknowledged_report_is_lost_or_counted_twice_when_the_server_is_killed(
    database_url: str, serve: Serve
) -> None:
    server = serve(FIRMTRAIL_DATABASE_URL=database_url)
    async with loaded(database_url, server.url()) as load:
        for _ in range(ROUNDS):
            await load.acknowledged(random.randrange(20, 200))
            server.kill()
            server = serve(FIRMTRAIL_DATABASE_URL=database_url)
            load.urls = [server.url()]

    assert load.answers[0] > 0


async def test_no_acknowledged_report_is_lost_or_counted_twice_when_workers_are_killed(
    database_url: str, serve: Serve
) -> None:
    server = serve(FIRMTRAIL_DATABASE_URL=database_url, FIRMTRAIL_WORKERS="2")
    async with loaded(database_url, server.url()) as load:
        for _ in range(ROUNDS):
            await load.acknowledged(random.randrange(20, 200))
            the_oldest, *_ = children(server.pid)
            os.kill(the_oldest, signal.SIGKILL)

    assert load.answers[0] > 0


async def test_servers_that_collide_on_one_database_lose_and_double_nothing_also_when_one_of_them_is_killed(
    database_url: str, serve: Serve
) -> None:
    servers = [serve(FIRMTRAIL_DATABASE_URL=database_url) for _ in range(3)]
    async with loaded(database_url, *[server.url() for server in servers]) as load:
        await load.acknowledged(300)
        servers[0].kill()
        load.urls.pop(0)
        await load.acknowledged(300)
