"""Devices that report at moments of the server which a test chooses, and what the server should make of it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import attrs

from firmtrail_contract import FirmwareReport, NewDevice
from firmtrail_contract.version_periods import moment
from firmtrail_server.auth.credentials import SecretDigests
from firmtrail_server.db import Database, Transaction
from firmtrail_server.history.timeline import Record, Sender
from firmtrail_server.ingest import Ingest, Submission
from firmtrail_server.ingest.rewrite import store_records
from firmtrail_server.queries import devices, projects
from firmtrail_server.services.api_keys import KeyIssuer, Terms

START = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


@attrs.define
class Pace:
    """A component as the design says it in words; seconds."""

    heard_at: float | None = None
    cadence: float | None = None
    interval: int | None = None

    def hear(self, now: float, interval: int | None = None) -> None:
        """Note a report."""
        if self.heard_at is not None and now > self.heard_at:
            gap = now - self.heard_at
            if self.cadence is None:
                self.cadence = gap
            else:
                gap = min(gap, 4 * self.cadence)
                self.cadence += (gap - self.cadence) * gap / (gap + 8 * self.cadence + 1)
        self.heard_at = now if self.heard_at is None else max(now, self.heard_at)
        self.interval = interval

    def is_fresh(self, now: float) -> bool:
        """Say whether silence is no surprise yet."""
        known = [seconds for seconds in (self.cadence, self.interval) if seconds is not None]
        return self.heard_at is not None and self.heard_at >= now - max(3 * max(known, default=3600), 900)


@attrs.frozen
class Reporter:
    """A device with a key."""

    project_id: uuid.UUID
    sender: Sender

    @property
    def id(self) -> uuid.UUID:
        return self.sender.device_id


@attrs.frozen
class Site:
    """Where devices are registered and report."""

    database: Database
    ingest: Ingest

    async def project(self) -> uuid.UUID:
        async with self.database.transaction() as conn:
            return (await projects.insert(conn, "Test", START)).id

    async def device(self, project_id: uuid.UUID, name: str, created: float = 0) -> Reporter:
        issuer = KeyIssuer(SecretDigests(b"of the tests"))
        async with self.database.transaction() as conn:
            device = await devices.insert(conn, project_id, NewDevice(name=name), at(created))
            key = await issuer.issue_for_device(conn, device, Terms(created_by=None, created_at=at(created)))
        return Reporter(project_id, Sender(key.id, device.id, None))

    async def report(  # noqa: PLR0913  what a report can say
        self,
        device: Reporter,
        now: float,
        *,
        version: str = "1",
        component: str = "main",
        observed: float | None = None,
        interval: int | None = None,
    ) -> None:
        said = None if observed is None else at(observed)
        when = moment(FirmwareReport(version=version, component=component, observed_at=said), at(now))
        record = Record(when, when, [(component, version)], interval_seconds=interval)
        await self.ingest.submit(Submission(device.sender, at(now), record))

    async def report_several(self, device: Reporter, now: float, interval: int | None = None) -> None:
        """Send what a batch of two records becomes: a rewrite of the history."""
        when = moment(FirmwareReport(version="1"), at(now))
        record = Record(when, when, [("main", "1")], interval_seconds=interval)
        await self.database.run(Transaction.INGEST, store_records, device.sender, at(now), [record, record])

    async def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement of the test's own."""
        async with self.database.transaction() as conn:
            cur = await conn.execute(statement.encode(), values)
            return await cur.fetchall() if cur.description else []

    async def pace(self, device: Reporter, component: str = "main") -> Pace:
        """What the server has made of the reports of a component."""
        columns = "extract(epoch from heard_at - %s)::float8, cadence, interval_seconds"
        statement = f"select {columns} from device_firmware where device_id = %s and component = %s"
        return Pace(*(await self.rows(statement, START, device.id, component))[0])


@asynccontextmanager
async def open_site(database_url: str) -> AsyncGenerator[Site]:
    database = Database(database_url, max_connections=4)
    await database.open()
    ingest = Ingest(database, database_url)
    ingest.open()
    yield Site(database, ingest)
    await ingest.close()
    await database.close()
