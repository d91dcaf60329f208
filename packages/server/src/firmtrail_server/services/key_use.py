"""When keys were last used: kept to the hour, and written for many keys at once, never at a request."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from typing import NoReturn

from firmtrail_server.db import Database, Transaction
from firmtrail_server.queries import api_keys

PRECISION = dt.timedelta(hours=1)
_BATCH = 1_000
_SECONDS_BETWEEN_FLUSHES = 300


class KeyUse:
    """Collects the keys whose stored moment is older than an hour, until they are written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._used: dict[uuid.UUID, dt.datetime] = {}

    def note(self, key_id: uuid.UUID, last_used_at: dt.datetime | None, now: dt.datetime) -> None:
        """Remember that a key was used now, unless what is stored is recent enough."""
        if last_used_at is None or now - last_used_at >= PRECISION:
            self._used[key_id] = now

    async def run(self) -> NoReturn:
        """Write what was collected, now and then, and once more at the end."""
        try:
            while True:
                await asyncio.sleep(_SECONDS_BETWEEN_FLUSHES)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Write what was collected. What cannot be written is forgotten: the key will be used again."""
        used, self._used = list(self._used.items()), {}
        for start in range(0, len(used), _BATCH):
            batch = dict(used[start : start + _BATCH])
            await self._database.run(Transaction.INGEST, api_keys.update_last_used, batch)
