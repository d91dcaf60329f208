"""A small real load: devices that report over HTTP, a ledger of what was acknowledged, and what must be read back.

A device's versions follow one another and never return, so that its history is the same in whatever order its reports
arrive, however often: nothing depends on when a retry gets through.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import uuid
from collections import Counter, deque
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import aiohttp
import attrs

from firmtrail_contract import NewDevice, Role
from firmtrail_server.auth.credentials import SecretDigests
from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.queries import devices, projects
from firmtrail_server.services.api_keys import KeyIssuer, Terms
from firmtrail_server.services.derived_tables import compare
from tests.server.history_model import HistoryModel

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
CALLERS = 16
#: far more than any request may take, so that one that hangs fails the test
TIMEOUT_SECONDS = 60
#: how often a reader may be told to come again: a database goes on ending connections for a moment
READS = 10


@attrs.frozen
class Device:
    path: str
    headers: dict[str, str] = attrs.field(repr=False, eq=False)


@attrs.frozen
class Fleet:
    devices: list[Device]
    reader_headers: dict[str, str] = attrs.field(repr=False)


@attrs.frozen
class Said:
    """One report of a device: a version, and the minute in which it was observed."""

    device: Device
    minute: int
    version: str

    def body(self) -> dict[str, str]:
        return {"version": self.version, "observed_at": _moment(self.minute).isoformat()}


@attrs.define
class Entry:
    """What the server has answered to a report."""

    acknowledged: bool = False
    #: an acknowledgement said that it opened or extended a period
    counted: bool = False
    #: it was once sent without an acknowledgement: whether it was stored is not known
    was_lost: bool = False


async def make_fleet(url: str, size: int = 50) -> Fleet:
    database = Database(url)
    await database.open()

    keys, terms = KeyIssuer(SecretDigests(b"of the tests")), Terms(created_by=None, created_at=START)

    async def make(conn: Connection) -> Fleet:
        project = await projects.insert(conn, "Test", START)
        reader = await keys.issue_for_project(conn, project.id, Role.VIEWER, terms)
        made = [await devices.insert(conn, project.id, NewDevice(name=f"{number}"), START) for number in range(size)]
        issued = [await keys.issue_for_device(conn, device, terms) for device in made]
        return Fleet(
            [Device(f"/v1/devices/{key.device_id}/firmware_version", _basic(key.id, key.secret)) for key in issued],
            _basic(reader.id, reader.secret),
        )

    try:
        return await database.run(Transaction.WRITE, make)
    finally:
        await database.close()


class Load:
    """Reports of a fleet, one after the other by each of several callers; what fails is sent again later."""

    def __init__(self, fleet: Fleet, http: aiohttp.ClientSession, *urls: str) -> None:
        #: where to send them; may change at any time
        self.urls = list(urls)
        #: how many answers had each status; 0 stands for none
        self.answers: Counter[int] = Counter()
        self._fleet = fleet
        self._http = http
        self._ledger: dict[Said, Entry] = {}
        self._again: deque[Said] = deque()
        self._script = _script(fleet.devices)
        self._ends = False
        self._answered = asyncio.Condition()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Report during the block, then until every report is acknowledged."""
        async with asyncio.TaskGroup() as callers:
            for _ in range(CALLERS):
                callers.create_task(self._call())
            try:
                yield
            finally:
                self._ends = True

    async def wait_for(self, number: int, *statuses: int) -> None:
        """Wait for further answers."""
        before = self._number(statuses)
        async with asyncio.timeout(TIMEOUT_SECONDS), self._answered:
            await self._answered.wait_for(lambda: self._number(statuses) >= before + number)

    async def acknowledged(self, number: int) -> None:
        await self.wait_for(number, 200, 201)

    async def refused(self, number: int) -> None:
        await self.wait_for(number, 503)

    async def check(self) -> None:
        """Compare what is read with the ledger."""
        assert {*self.answers} <= {0, 200, 201, 503}
        for device in self._fleet.devices:
            said = {report: entry for report, entry in self._ledger.items() if report.device is device}
            periods = await self._read(device)
            assert [_told(period) for period in periods] == _expected(said)
            for period in periods:
                _check_count(period, said)

    async def _call(self) -> None:
        while said := self._next():
            await self._send(said)

    def _next(self) -> Said | None:
        if self._again and (self._ends or random.random() < 0.5):
            return self._again.popleft()
        return None if self._ends else next(self._script)

    async def _send(self, said: Said) -> None:
        entry = self._ledger.setdefault(said, Entry())
        was_acknowledged = entry.acknowledged
        status, body = await self._post(said)
        if status in {200, 201}:
            assert body["outcome"] == "known" or not was_acknowledged, f"{said} was acknowledged, and then lost"
            entry.acknowledged = True
            entry.counted |= body["outcome"] != "known"
        else:
            entry.was_lost = True
            self._again.append(said)
            await asyncio.sleep(0.02)  # a retry that came at once would find what it left
        self.answers[status] += 1
        async with self._answered:
            self._answered.notify_all()

    async def _post(self, said: Said) -> tuple[int, dict[str, Any]]:
        url = random.choice(self.urls) + said.device.path
        try:
            async with self._http.post(url, json=said.body(), headers=said.device.headers) as answer:
                return answer.status, await answer.json(content_type=None)
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
            return 0, {}

    async def _read(self, device: Device) -> list[dict[str, Any]]:
        url = f"{self.urls[0]}{device.path}?page_size=1000"
        for _ in range(READS):
            async with self._http.get(url, headers=self._fleet.reader_headers) as answer:
                if answer.status != 503:
                    answer.raise_for_status()
                    return (await answer.json())["items"]
            await asyncio.sleep(0.1)
        raise AssertionError(f"the server answered 503 to {READS} reads after the fault was over")

    def _number(self, statuses: tuple[int, ...]) -> int:
        return sum(self.answers[status] for status in statuses)


@asynccontextmanager
async def loaded(database_url: str, *urls: str) -> AsyncGenerator[Load]:
    """A load on these servers of one database; afterwards the ledger must agree with the histories."""
    fleet = await make_fleet(database_url)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(TIMEOUT_SECONDS)) as http:
        load = Load(fleet, http, *urls)
        async with load.running():
            await load.acknowledged(len(fleet.devices))
            yield load
        await load.check()
    await check_derived(database_url)


async def check_derived(database_url: str) -> None:
    """Hold device_versions to what it is derived from."""
    database = Database(database_url)
    await database.open()
    try:
        assert not (await compare(database, repair=False)).differences
    finally:
        await database.close()


def _basic(key_id: uuid.UUID, secret: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(str(key_id), secret)}


def _script(fleet: list[Device]) -> Generator[Said]:
    """Repeats and changes; one report in five late, one in ten sent a second time."""
    numbers = dict.fromkeys(fleet, 0)
    late: list[Said] = []
    known: deque[Said] = deque(maxlen=500)
    for minute in count():
        for device in fleet:
            numbers[device] += random.random() < 0.15
            said = Said(device, minute, f"1.{numbers[device]}")
            if random.random() < 0.2:
                late.append(said)
            else:
                known.append(said)
                yield said
            if len(late) > 100:
                known.append(late.pop(random.randrange(len(late))))
                yield known[-1]
            if random.random() < 0.1 and known:
                yield random.choice(known)


def _expected(said: dict[Said, Entry]) -> list[tuple[str, dt.datetime, dt.datetime]]:
    model = HistoryModel()
    for report in sorted(said, key=lambda report: report.minute):
        model.report(report.minute, report.version)
    assert not model.has_split
    return [(version, _moment(first), _moment(last)) for version, first, last in model.history()]


def _told(period: dict[str, Any]) -> tuple[str, dt.datetime, dt.datetime]:
    first, last = (dt.datetime.fromisoformat(period[name]) for name in ("first_reported_at", "last_reported_at"))
    return period["version"], first, last


def _check_count(period: dict[str, Any], said: dict[Said, Entry]) -> None:
    """Every report is counted once, or not at all where it fell within its period.

    Of one that was once lost and is known now, nobody can say which.
    """
    of_period = [entry for report, entry in said.items() if report.version == period["version"]]
    counted = sum(entry.counted for entry in of_period)
    unknown = sum(entry.was_lost and not entry.counted for entry in of_period)
    assert counted <= period["report_count"] <= counted + unknown, period


def _moment(minute: int) -> dt.datetime:
    return START + dt.timedelta(minutes=minute)
