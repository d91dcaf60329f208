"""The feed while everything that has to do with it is killed: nothing is skipped, repeated or out of order."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import attrs
import psycopg

from firmtrail_postgres import EmbeddedDatabase
from firmtrail_server.db import Database
from firmtrail_server.services.deletion import Sweeper
from firmtrail_server.services.feed import Feed
from tests.postgres.conftest import FAST
from tests.server.faults import feed_process
from tests.server.faults.conftest import Cluster
from tests.server.faults.feed_process import KEPT, kept_changes
from tests.server.feed_consumer import Consumer, check, drain
from tests.server.heard_devices import open_site

logger = logging.getLogger(__name__)

#: `./dev feed` sets it
SECONDS = float(os.environ.get("FEED_SECONDS") or 6)
_SECONDS_BETWEEN_FAULTS = 0.6
_LONGEST_START_SECONDS = 120
_TERMINATE = (
    "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid() order by random() limit 2) as chosen"
)


@attrs.define
class Processes:
    """Writers, readers and a numberer, each of which is started again when it was killed."""

    cluster: Cluster
    project_id: uuid.UUID
    folder: Path
    #: stops the databases that were started again
    databases: ExitStack
    faults: Counter[str] = attrs.field(factory=Counter[str])
    _running: dict[str, subprocess.Popen[bytes]] = attrs.field(factory=dict[str, "subprocess.Popen[bytes]"])

    @property
    def files(self) -> list[Path]:
        return [self.folder / f"reader{number}" for number in (1, 2)]

    def start(self) -> None:
        for name in ("writer1", "writer2", "writer3", *(file.name for file in self.files), "numberer1"):
            self._start(name)

    def end(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()

    def do_harm(self) -> None:
        """Do one thing that may happen at any time."""
        harms: list[Callable[[], None]] = [self._kill, self._terminate, self._crash]
        (harm,) = random.choices(harms, [12, 4, 1])
        harm()

    def _start(self, name: str) -> None:
        file = self.folder / name
        file.touch()
        role, url = name.rstrip("0123456789"), self.cluster.url
        command = [sys.executable, "-m", feed_process.__name__, role, url, str(self.project_id), str(file)]
        self._running[name] = subprocess.Popen(command)

    def _kill(self) -> None:
        name = random.choice([*self._running])
        process = self._running[name]
        assert process.poll() is None, f"{name} has ended by itself"
        process.kill()
        process.wait()
        self.faults[f"{name.rstrip('0123456789')}s killed"] += 1
        self._start(name)

    def _terminate(self) -> None:
        with psycopg.connect(self.cluster.url, autocommit=True) as conn:
            row = conn.execute(_TERMINATE).fetchone()
        self.faults["backends terminated"] += row[0] if row else 0

    def _crash(self) -> None:
        self.cluster.signal(signal.SIGKILL)
        self.faults["PostgreSQL crashed"] += 1
        database = EmbeddedDatabase(self.cluster.root, settings=FAST)
        database.start()
        self.databases.callback(database.stop)


async def test_nothing_is_skipped_or_repeated_whatever_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    async with open_site(cluster.url) as site:
        project_id = await site.project()
    with ExitStack() as databases:
        processes = Processes(cluster, project_id, tmp_path, databases)
        await run(processes)
        consumers = await read_all(processes)

    logger.info("%s", {kind.value: count for kind, count in consumers[0].kinds.items()})
    logger.info("%s", dict(processes.faults))
    assert consumers[0].last_number == consumers[1].last_number > 0
    assert processes.faults


async def run(processes: Processes) -> None:
    """Let them work, and do harm now and then."""
    processes.start()
    async with asyncio.timeout(_LONGEST_START_SECONDS):
        while not all(file.stat().st_size for file in processes.files):  # noqa: ASYNC110  they are other processes
            await asyncio.sleep(0.1)
    ends = time.monotonic() + SECONDS
    try:
        while time.monotonic() < ends:
            await asyncio.sleep(random.uniform(0, 2 * _SECONDS_BETWEEN_FAULTS))
            await asyncio.to_thread(processes.do_harm)
    finally:
        processes.end()


async def read_all(processes: Processes) -> list[Consumer]:
    """Take in what each reader has kept and what is left, and hold it to the tables."""
    database, consumers = Database(processes.cluster.url), [Consumer(), Consumer()]
    await database.open()
    await Sweeper(database).sweep(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
    for consumer, file in zip(consumers, processes.files, strict=True):
        consumer.apply(kept_changes(file))
        read = consumer.last_number
        await drain(database, Feed(database, KEPT), processes.project_id, consumer)
        periods = await check(database, consumer)
        logger.info("%s: %d changes, %d under fire; %d periods equal", file.name, consumer.last_number, read, periods)
    await database.close()
    return consumers
