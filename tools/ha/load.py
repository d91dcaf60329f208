"""The load: single reports and batches through the proxy, a ledger of what was acknowledged, and their comparison.

A device's versions follow one another and never return, so that what must be read back does not depend on when a retry
gets through. What fails is sent again until it is acknowledged.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
import uuid
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import aiohttp
import attrs

from tests.server.faults.load import START, Device, Fleet, Said

_CALLERS = 12
#: of a caller, after each request: the machines and the load share the cores
_PAUSE_SECONDS = 0.1
#: the share of requests that send again what failed, and of reports that bring a new version
_AGAIN, _CHANGES = 0.5, 0.1
#: the share of reports that are sent a second time although they were acknowledged
_REPEATED = 0.05
_BATCH = 4
#: every third device sends batches
_BATCHING = 3
#: all devices have been up since then, with clocks that are right
_BOOTED = START - dt.timedelta(days=1)
_GOOD = {200, 201}


@attrs.define
class Entry:
    """What the servers have answered to a report."""

    acknowledged: bool = False
    #: an acknowledgement said that it opened or extended a period
    counted: bool = False
    #: it was once sent without an acknowledgement: whether it was stored is not known
    was_lost: bool = False
    #: it was acknowledged, and a later answer shows that it was not stored
    forgotten: bool = False


@attrs.frozen
class Answered:
    """A request of the load."""

    #: of time.monotonic, in seconds
    at: float
    #: 0 if there was no answer
    status: int
    reports: int
    #: how long it took
    seconds: float

    @property
    def is_good(self) -> bool:
        return self.status in _GOOD


@attrs.define
class Balance:
    """What the comparison of the histories with the ledger has found."""

    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0

    @property
    def is_right(self) -> bool:
        return self.acknowledged > 0 and self.lost == self.doubled == 0


class Load:
    """A few callers at a bounded rate, or as fast as it goes."""

    def __init__(self, fleet: Fleet, url: str, http: aiohttp.ClientSession) -> None:
        self.answered: list[Answered] = []
        self.pause_seconds = _PAUSE_SECONDS
        self._fleet, self._url, self._http = fleet, url, http
        self._ledger: defaultdict[Said, Entry] = defaultdict(Entry)
        self._again: deque[list[Said]] = deque()
        self._boots = {device: str(uuid.uuid4()) for device in fleet.devices}
        self._versions = dict.fromkeys(fleet.devices, 0)
        self._minutes = count()
        self._ends = False

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Report during the block, then until every report is acknowledged."""
        async with asyncio.TaskGroup() as callers:
            for _ in range(_CALLERS):
                callers.create_task(self._call())
            try:
                yield
            finally:
                self._ends = True

    async def balance(self) -> Balance:
        """Compare what is read with the ledger, report by report."""
        found = Balance()
        of_device: defaultdict[Device, list[Said]] = defaultdict(list)
        for said in self._ledger:
            of_device[said.device].append(said)
        for device, said in of_device.items():
            self._compare(await self._read(device), said, found)
        return found

    def _compare(self, periods: Sequence[dict[str, Any]], said: Sequence[Said], found: Balance) -> None:
        stored = {period["version"]: period for period in periods}
        found.doubled += len(periods) - len(stored)
        of_version: defaultdict[str, list[Said]] = defaultdict(list)
        for report in said:
            of_version[report.version].append(report)
        for version, reports in of_version.items():
            _compare_period(stored.get(version), [(one.minute, self._ledger[one]) for one in reports], found)

    async def _call(self) -> None:
        while reports := self._next():
            await self._send(reports)
            await asyncio.sleep(self.pause_seconds)

    def _next(self) -> list[Said] | None:
        if self._again and (self._ends or random.random() < _AGAIN):
            return self._again.popleft()
        if self._ends:
            return None
        device = random.choice(self._fleet.devices)
        size = random.randint(1, _BATCH) if self._sends_batches(device) else 1
        return [self._new(device) for _ in range(size)]

    def _new(self, device: Device) -> Said:
        self._versions[device] += random.random() < _CHANGES
        return Said(device, next(self._minutes), f"1.{self._versions[device]}")

    def _sends_batches(self, device: Device) -> bool:
        return self._fleet.devices.index(device) % _BATCHING == 0

    async def _send(self, reports: list[Said]) -> None:
        began = time.monotonic()
        status, outcomes = await self._post(reports)
        ended = time.monotonic()
        self.answered.append(Answered(ended, status, len(reports), ended - began))
        for said, outcome in zip(reports, outcomes or [None] * len(reports), strict=True):
            self._note(self._ledger[said], outcome)
        if not outcomes or (random.random() < _REPEATED and not self._ends):
            self._again.append(reports)

    def _note(self, entry: Entry, outcome: str | None) -> None:
        if outcome is None:
            entry.was_lost = True
            return
        entry.forgotten |= entry.acknowledged and outcome != "known"
        entry.acknowledged = True
        entry.counted |= outcome != "known"

    async def _post(self, reports: list[Said]) -> tuple[int, list[str]]:
        """Send them; gives no outcomes unless all were stored."""
        device = reports[0].device
        is_batch = self._sends_batches(device)
        path = device.path.replace("firmware_version", "firmware_reports") if is_batch else device.path
        body = self._batch(reports) if is_batch else reports[0].body()
        try:
            async with self._http.post(self._url + path, json=body, headers=device.headers) as answer:
                told = await answer.json(content_type=None) if answer.status in _GOOD else None
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError):
            return 0, []
        return answer.status, _outcomes(told) if told else []

    def _batch(self, reports: list[Said]) -> dict[str, Any]:
        records = [
            {"first_observed": self._clocks(one.device, _moment(one.minute)), "components": [{"version": one.version}]}
            for one in reports
        ]
        return {"sent": self._clocks(reports[0].device, dt.datetime.now(dt.UTC)), "records": records}

    def _clocks(self, device: Device, moment: dt.datetime) -> dict[str, Any]:
        since_boot = (moment - _BOOTED) // dt.timedelta(milliseconds=1)
        wall = _BOOTED + dt.timedelta(milliseconds=since_boot)
        clocks = {"boot_id": self._boots[device], "boot_sequence": 1, "boot_time_ms": since_boot}
        return {**clocks, "wall_time": wall.isoformat(), "clock_state": "synced"}

    async def _read(self, device: Device) -> list[dict[str, Any]]:
        periods: list[dict[str, Any]] = []
        query = {"page_size": "1000"}
        while True:
            async with self._http.get(
                self._url + device.path, params=query, headers=self._fleet.reader_headers
            ) as answer:
                answer.raise_for_status()
                page = await answer.json()
            periods += page["items"]
            if (token := page["next_page_token"]) is None:
                return periods
            query["page_token"] = token


def _compare_period(period: dict[str, Any] | None, entries: Sequence[tuple[int, Entry]], found: Balance) -> None:
    """Each report lies in its period, and is counted once, or not at all where it repeated what was known.

    Of one that was once lost and is known now, nobody can say which.
    """
    found.acknowledged += sum(entry.acknowledged for _, entry in entries)
    found.lost += sum(entry.forgotten for _, entry in entries)
    if period is None:
        found.lost += sum(entry.acknowledged for _, entry in entries)
        return
    first, last = (_minute(period[name]) for name in ("first_reported_at", "last_reported_at"))
    found.lost += sum(entry.acknowledged and not first <= minute <= last for minute, entry in entries)
    counted = sum(entry.counted for _, entry in entries)
    unknown = sum(entry.was_lost and not entry.counted for _, entry in entries)
    found.lost += max(0, counted - period["report_count"])
    found.doubled += max(0, period["report_count"] - counted - unknown)


def _outcomes(told: dict[str, Any]) -> list[str]:
    if "records" not in told:
        return [told["outcome"]]
    if problems := [one for one in told["records"] if one["problem"] is not None]:
        raise ValueError(f"A record was refused: {problems[0]}")
    return [one["components"][0]["outcome"] for one in told["records"]]


def _moment(minute: int) -> dt.datetime:
    return START + dt.timedelta(minutes=minute)


def _minute(moment: str) -> int:
    """The nearest one: the server works out the start of a boot from its own clock, once, so a batch may be off."""
    return round((dt.datetime.fromisoformat(moment) - START) / dt.timedelta(minutes=1))
