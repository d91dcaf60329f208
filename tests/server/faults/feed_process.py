"""A process that a test of the feed may kill at any moment: `feed_process.py writer|reader|numberer URL PROJECT FILE`.

A reader appends what it reads to its file, a change a line, and goes on from the last whole line: that is how an
integrator keeps the number together with what it makes of a change.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import random
import sys
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from firmtrail_contract import FirmwareChange, strict_converter
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.errors import DomainError
from firmtrail_server.queries import firmware_feeds
from firmtrail_server.services.feed import Feed, number_some
from tests.server.feed_consumer import read
from tests.server.feed_writers import Writer, register
from tests.server.heard_devices import Reporter, Site, open_site

KEPT = dt.timedelta(days=90)
DEVICES = 12
_converter = strict_converter()


def kept_changes(file: Path) -> list[FirmwareChange]:
    """Read what a reader has kept; a line that a kill cut off is deleted."""
    whole, _, _ = file.read_bytes().rpartition(b"\n")
    file.write_bytes(whole + b"\n" if whole else b"")
    return [_converter.structure(json.loads(line), FirmwareChange) for line in whole.splitlines()]


async def write(site: Site, project_id: uuid.UUID, _: Path) -> NoReturn:
    """Change histories by a clock that is wrong, and commit some of it late."""
    skew = dt.timedelta(seconds=random.uniform(-0.3, 0.3))
    now = dt.datetime.now(dt.UTC)
    fleet: list[Reporter] = []
    while len(fleet) < DEVICES:
        with suppress(DomainError):
            fleet.append(await site.database.run(Transaction.WRITE, register, project_id, now))
    writers = [
        Writer(site, project_id, fleet, lambda: dt.datetime.now(dt.UTC) + skew, longest_hold=1.5) for _ in range(4)
    ]
    async with asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(_endlessly(writer.write))
    raise AssertionError


async def read_on(site: Site, project_id: uuid.UUID, file: Path) -> NoReturn:
    """Read, number, and keep what was read."""
    changes = kept_changes(file)
    after, feed = changes[-1].number if changes else 0, Feed(site.database, KEPT)
    with file.open("ab", buffering=0) as kept:
        while True:
            with suppress(DomainError):
                await feed.number(project_id)
                for change in await read(site.database, project_id, after, random.randint(1, 200)):
                    kept.write(json.dumps(_converter.unstructure(change)).encode() + b"\n")
                    after = change.number


async def number(site: Site, project_id: uuid.UUID, _: Path) -> NoReturn:
    """Number, and sometimes stop in the middle of it."""

    async def slowly(conn: Connection) -> None:
        await firmware_feeds.lock(conn, project_id)
        await asyncio.sleep(random.uniform(0, 0.2))
        await number_some(conn, project_id)
        await asyncio.sleep(random.uniform(0, 0.2))

    while True:
        with suppress(DomainError):
            await site.database.run(Transaction.INGEST, slowly)
        await asyncio.sleep(random.uniform(0, 0.5))


async def _endlessly(work: Callable[[], Awaitable[None]]) -> NoReturn:
    while True:
        with suppress(DomainError):
            await work()
        await asyncio.sleep(random.uniform(0, 0.02))


async def main(role: str, url: str, project_id: str, file: str) -> None:
    async with open_site(url) as site:
        await {"writer": write, "reader": read_on, "numberer": number}[role](site, uuid.UUID(project_id), Path(file))


if __name__ == "__main__":
    logging.disable()  # each pool would say all the time that there is no database
    asyncio.run(main(*sys.argv[1:]))
