"""Who delivers: one process of all that share the database, for as long as it renews its lease."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import socket
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from firmtrail_server.db import Database, Transaction
from firmtrail_server.errors import DatabaseUnavailable, OwnerGone
from firmtrail_server.queries import webhooks, work_leases
from firmtrail_server.queries.webhooks import DueWebhook
from firmtrail_server.services.background import end
from firmtrail_server.webhooks.deliveries import Deliveries

logger = logging.getLogger(__name__)

#: so long after a process was killed another one delivers
_LEASE_SECONDS = 6
_SECONDS_BETWEEN_LOOKS, _SECONDS_BETWEEN_TRIES = 1, 3
_SECONDS_AFTER_A_MISTAKE = 60
#: webhooks that have their turn at the same time: one whose receiver is slow holds up none of the others
_AT_ONCE = 200


class WebhookDeliverer:
    """Looks once a second which webhooks have something to deliver, and gives each a turn of its own."""

    def __init__(self, database: Database, deliveries: Deliveries, clock: Callable[[], dt.datetime]) -> None:
        self._database = database
        self._deliveries = deliveries
        self._clock = clock
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._turns: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._leads_until = -1.0

    @property
    def leads(self) -> bool:
        """Whether this process delivers, as far as it knows without asking."""
        return time.monotonic() < self._leads_until

    async def run(self) -> NoReturn:
        """Deliver while this process has the lease, and else try to get it."""
        try:
            while True:
                with suppress(DatabaseUnavailable):  # requests say so
                    await self.look()
                await asyncio.sleep(_SECONDS_BETWEEN_LOOKS if self.leads else _SECONDS_BETWEEN_TRIES)
        finally:
            await self._stop()

    async def look(self) -> None:
        """Renew the lease, and begin the turns of webhooks that have something to deliver."""
        asked = time.monotonic()
        lease = dt.timedelta(seconds=_LEASE_SECONDS)
        if not await self._database.run(Transaction.INGEST, work_leases.take_for_webhooks, self._holder, lease):
            self._leads_until = -1.0
            return
        self._leads_until = asked + _LEASE_SECONDS
        free = _AT_ONCE - len(self._turns)
        for due in await self._database.run(Transaction.READ, webhooks.list_due, self._clock(), [*self._turns], free):
            turn = asyncio.create_task(self._turn(due), name=f"webhook {due.id}")
            self._turns[due.id] = turn
            turn.add_done_callback(lambda _, webhook_id=due.id: self._turns.pop(webhook_id, None))

    async def _turn(self, due: DueWebhook) -> None:
        try:
            await self._deliveries.take_turn(due, lambda: self.leads)
        except (DatabaseUnavailable, OwnerGone):
            pass  # the first is said by requests; and the second means that the project is being deleted
        except Exception:
            logger.exception("a webhook could not be delivered")
            await asyncio.sleep(_SECONDS_AFTER_A_MISTAKE)  # it keeps its place, so nobody tries at once

    async def _stop(self) -> None:
        """End all turns, and let another process deliver at once. What was on its way is delivered again."""
        await end(*self._turns.values())
        if self.leads:
            self._leads_until = -1.0
            with suppress(DatabaseUnavailable):
                await self._database.run(Transaction.INGEST, work_leases.give_back, self._holder)
