"""Waiting for changes: one look a second at all feeds that somebody waits for, whatever their number.

Who waits holds no connection of the pool. The same look finds out whose access has ended, and wakes them: what they
read next refuses them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import attrs

from firmtrail_server.db import Database, Transaction
from firmtrail_server.errors import DatabaseUnavailable, OwnerGone
from firmtrail_server.queries import access, firmware_feeds
from firmtrail_server.services.authentication import Credential
from firmtrail_server.services.feed import Feed
from firmtrail_server.telemetry.metrics import Metrics

_SECONDS_BETWEEN_LOOKS = 1


@attrs.define(eq=False)
class _Waiter:
    project_id: uuid.UUID
    after: int
    credential: Credential
    woken: asyncio.Event = attrs.field(factory=asyncio.Event)


class FeedWaits:
    """Everybody who waits in this process."""

    def __init__(self, database: Database, feed: Feed, clock: Callable[[], dt.datetime], metrics: Metrics) -> None:
        self._database = database
        self._feed = feed
        self._clock = clock
        self._waiters: set[_Waiter] = set()
        self._first = asyncio.Event()
        #: whether the server stops
        self.is_over = False
        name, text = "firmtrail_feed_waiting", "Requests that wait for changes of a project."
        metrics.watch(name, text, lambda: len(self))

    def __len__(self) -> int:
        return len(self._waiters)

    async def wait(self, project_id: uuid.UUID, after: int, credential: Credential, seconds: float) -> bool:
        """Wait until there is a change after a number, or the access has ended: then it is worth another look."""
        if self.is_over:
            return False
        waiter = _Waiter(project_id, after, credential)
        self._waiters.add(waiter)
        self._first.set()
        try:
            async with asyncio.timeout(seconds):
                await waiter.woken.wait()
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return not self.is_over

    def end(self) -> None:
        """Let nobody wait any longer: the server stops."""
        self.is_over = True
        for waiter in self._waiters:
            waiter.woken.set()

    async def run(self) -> NoReturn:
        """Look once a second while somebody waits."""
        while True:
            await self._first.wait()
            with suppress(DatabaseUnavailable):  # they go on waiting
                await self.look()
            if not self._waiters:
                self._first.clear()
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)

    async def look(self) -> None:
        """Number what is new in the feeds that somebody waits for, and wake those whom it concerns."""
        projects = {waiter.project_id for waiter in self._waiters}
        last_numbers: dict[uuid.UUID, int] = {}
        found = await self._database.run(Transaction.READ, firmware_feeds.look_at, [*projects])
        for project_id, last_number, is_pending in found:
            last_numbers[project_id] = last_number
            if is_pending:
                with suppress(OwnerGone):  # the project is being deleted
                    last_numbers[project_id] = await self._feed.number(project_id)
        lapsed = await self._lapsed()
        for waiter in self._waiters:
            is_refused = (waiter.credential.subject_id, waiter.project_id) in lapsed
            if is_refused or waiter.after < last_numbers.get(waiter.project_id, 0):
                waiter.woken.set()

    async def _lapsed(self) -> set[tuple[uuid.UUID, uuid.UUID]]:
        """Who may not read any more: key or user, and the project."""
        keys, members = set[access.KeyAccess](), set[access.MemberAccess]()
        for waiter in self._waiters:
            who, epoch = waiter.credential.subject_id, waiter.credential.epoch
            if epoch is None:
                keys.add(access.KeyAccess(who, waiter.project_id))
            else:
                members.add(access.MemberAccess(who, waiter.project_id, epoch))
        lapsed = set[tuple[uuid.UUID, uuid.UUID]]()
        if keys:
            now = self._clock()
            lapsed |= {*await self._database.run(Transaction.READ, access.list_lapsed_keys, [*keys], now)}
        if members:
            lapsed |= {*await self._database.run(Transaction.READ, access.list_lapsed_members, [*members])}
        return lapsed
