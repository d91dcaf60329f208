"""Devices that do everything that changes a history: reports that come together, late ones, batches, deletions."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import uuid
from collections.abc import Callable
from contextlib import suppress

from firmtrail_contract import FirmwareReport, NewDevice
from firmtrail_contract.version_periods import GONE, moment
from firmtrail_server.auth.credentials import SecretDigests
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.errors import SecretUnproved, Unavailable
from firmtrail_server.history.timeline import Record, Sender
from firmtrail_server.ingest import Submission
from firmtrail_server.ingest.rewrite import store_records
from firmtrail_server.queries import devices
from firmtrail_server.services.api_keys import KeyIssuer, Terms
from firmtrail_server.services.deletion import remove_devices
from tests.server.heard_devices import Reporter, Site

COMPONENTS = ("main", "modem")
VERSIONS = ("1.0", "1.1", "2.0", "2.1", "3.0", GONE)


async def register(conn: Connection, project_id: uuid.UUID, now: dt.datetime) -> Reporter:
    """Register a device with a key."""
    device = await devices.insert(conn, project_id, NewDevice(name=uuid.uuid4().hex), now)
    issuer = KeyIssuer(SecretDigests(b"of the tests"))
    key = await issuer.issue_for_device(conn, device, Terms(created_by=None, created_at=now))
    return Reporter(project_id, Sender(key.id, device.id, None))


class Writer:
    """Changes the histories of a project's devices at random. Others may do the same, with clocks of their own."""

    def __init__(
        self,
        site: Site,
        project_id: uuid.UUID,
        fleet: list[Reporter],
        clock: Callable[[], dt.datetime],
        *,
        longest_hold: float = 0,
    ) -> None:
        self._site = site
        self._project_id = project_id
        #: shared by the writers of a process
        self._devices = fleet
        self._clock = clock
        self._longest_hold = longest_hold

    async def write(self) -> None:
        """Do one thing."""
        (do,) = random.choices(
            [self._report_together, self._report_late, self._send_batch, self._replace], [8, 4, 3, 1]
        )
        with suppress(SecretUnproved, Unavailable):  # the device was deleted meanwhile, or the database is away
            await do()

    async def _report_together(self) -> None:
        some = random.sample(self._devices, min(len(self._devices), random.randint(1, 8)))
        results = await asyncio.gather(*(self._report(one) for one in some), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, SecretUnproved | Unavailable):
                raise result

    async def _report(self, device: Reporter) -> None:
        now = self._clock()
        await self._site.ingest.submit(Submission(device.sender, now, self._record(now, None)))

    async def _report_late(self) -> None:
        now = self._clock()
        device = random.choice(self._devices)
        await self._hold(device, now, [self._record(now, self._earlier(now))])

    async def _send_batch(self) -> None:
        now = self._clock()
        device = random.choice(self._devices)
        await self._hold(device, now, [self._record(now, self._earlier(now)) for _ in range(random.randint(2, 5))])

    async def store(self, device: Reporter, now: dt.datetime, records: list[Record]) -> None:
        """Store records of a device, together."""
        await self._site.database.run(Transaction.INGEST, store_records, device.sender, now, records)

    @staticmethod
    def record_of(now: dt.datetime, observed: dt.datetime, version: str) -> Record:
        when = moment(FirmwareReport(version=version, observed_at=observed), now)
        return Record(when, when, [("main", version)])

    async def _hold(self, device: Reporter, now: dt.datetime, records: list[Record]) -> None:
        """Store records, and sometimes commit much later."""

        async def work(conn: Connection) -> None:
            await store_records(conn, device.sender, now, records)
            if random.random() < 0.15:
                await asyncio.sleep(random.uniform(0, self._longest_hold))

        await self._site.database.run(Transaction.INGEST, work)

    async def _replace(self) -> None:
        """Delete a device, and register another one."""
        now = self._clock()
        self._devices.append(await self._site.database.run(Transaction.WRITE, register, self._project_id, now))
        device = self._devices.pop(random.randrange(len(self._devices)))
        await self._site.database.run(Transaction.WRITE, remove_devices, self._project_id, [device.id], now)

    def _record(self, now: dt.datetime, observed: dt.datetime | None) -> Record:
        when = moment(FirmwareReport(version="1", observed_at=observed), now)
        components = random.sample(COMPONENTS, random.randint(1, 2))
        return Record(when, when, [(component, random.choice(VERSIONS)) for component in components])

    def _earlier(self, now: dt.datetime) -> dt.datetime:
        """Whole seconds, so that moments meet."""
        return now.replace(microsecond=0) - dt.timedelta(seconds=random.randint(0, 90))
