"""Waiting for changes: one look a second at all feeds that somebody waits for, whatever their number.

Who waits holds no connection of the pool. The same look finds out whose access has ended, and wakes them: what they
read next refuses them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple, NoReturn

import attrs

from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.errors import DatabaseUnavailable, OwnerGone
from firmtrail_server.queries import access, firmware_feeds
from firmtrail_server.queries.access import KeyAccess, MemberAccess
from firmtrail_server.services.authentication import Credential
from firmtrail_server.services.feed import Feed
from firmtrail_server.telemetry.metrics import Metrics

_SECONDS_BETWEEN_LOOKS = 1


class _Access(NamedTuple):
    """Who waits, and for what: one look-up for all requests of a key or a user."""

    project_id: uuid.UUID
    subject_id: uuid.UUID
    #: of a user; None: it is a key
    epoch: int | None
    session_id: uuid.UUID | None


@attrs.frozen(eq=False)
class _Waiter:
    after: int
    woken: asyncio.Event = attrs.field(factory=asyncio.Event)


class FeedWaits:
    """Everybody who waits in this process."""

    def __init__(self, database: Database, feed: Feed, clock: Callable[[], dt.datetime], metrics: Metrics) -> None:
        self._database = database
        self._feed = feed
        self._clock = clock
        self._waiting: dict[_Access, set[_Waiter]] = {}
        self._first = asyncio.Event()
        #: whether the server stops
        self.is_over = False
        name, text = "firmtrail_feed_waiting", "Requests that wait for changes of a project."
        metrics.watch(name, text, lambda: len(self))

    def __len__(self) -> int:
        return sum(len(waiters) for waiters in self._waiting.values())

    async def wait(self, project_id: uuid.UUID, after: int, credential: Credential, seconds: float) -> bool:
        """Wait until there is a change after a number, or the access has ended: then it is worth another look."""
        if self.is_over:
            return False
        waiter = _Waiter(after)
        try:
            who = _Access(project_id, credential.subject_id, credential.epoch, credential.session_id)
            with self._among(who, waiter):
                async with asyncio.timeout(seconds):
                    await waiter.woken.wait()
        except TimeoutError:
            return False
        return not self.is_over

    def end(self) -> None:
        """Let nobody wait any longer: the server stops."""
        self.is_over = True
        for waiters in self._waiting.values():
            for waiter in waiters:
                waiter.woken.set()

    async def run(self) -> NoReturn:
        """Look once a second while somebody waits."""
        while True:
            await self._first.wait()
            with suppress(DatabaseUnavailable):  # they go on waiting
                await self.look()
            if not self._waiting:
                self._first.clear()
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)

    async def look(self) -> None:
        """Number what is new in the feeds that somebody waits for, and wake those whom it concerns."""
        seen = await self._database.run(Transaction.READ, _look, [*self._waiting], self._clock())
        last_numbers = {project_id: last_number for project_id, last_number, _ in seen.feeds}
        for project_id in [project_id for project_id, _, is_pending in seen.feeds if is_pending]:
            with suppress(OwnerGone):  # the project is being deleted
                last_numbers[project_id] = await self._feed.number(project_id)
        for who, waiters in self._waiting.items():
            is_lapsed = (who.subject_id, who.project_id, who.session_id) in seen.lapsed
            last_number = last_numbers.get(who.project_id, 0)
            for waiter in waiters:
                if is_lapsed or waiter.after < last_number:
                    waiter.woken.set()

    @contextmanager
    def _among(self, who: _Access, waiter: _Waiter) -> Generator[None]:
        self._waiting.setdefault(who, set()).add(waiter)
        self._first.set()
        try:
            yield
        finally:
            self._waiting[who].remove(waiter)
            if not self._waiting[who]:
                del self._waiting[who]


class _Seen(NamedTuple):
    #: each project, its last number, and whether changes wait for theirs
    feeds: list[tuple[uuid.UUID, int, bool]]
    #: who may not read any more: key or user, the project, and the user's session
    lapsed: set[tuple[uuid.UUID, uuid.UUID, uuid.UUID | None]]


async def _look(conn: Connection, waiting: Sequence[_Access], now: dt.datetime) -> _Seen:
    feeds = await firmware_feeds.look_at(conn, [*{one.project_id for one in waiting}])
    lapsed = set[tuple[uuid.UUID, uuid.UUID, uuid.UUID | None]]()
    if keys := [KeyAccess(one.subject_id, one.project_id) for one in waiting if one.epoch is None]:
        lapsed.update((*key, None) for key in await access.list_lapsed_keys(conn, keys, now))
    members = [
        MemberAccess(who, project_id, epoch, session_id)
        for project_id, who, epoch, session_id in waiting
        if epoch is not None
    ]
    if members:
        lapsed.update(await access.list_lapsed_members(conn, members))
    return _Seen(feeds, lapsed)
