"""A PostgreSQL that has died is started again, for as long as somebody serves."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn

from firmtrail_postgres.database import EmbeddedDatabase
from firmtrail_postgres.errors import EmbeddedDatabaseError

logger = logging.getLogger(__name__)

_WATCH_SECONDS = 1


async def watch(database: EmbeddedDatabase) -> NoReturn:
    """Start the database again whenever it has died, as for want of memory or of room."""
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        try:
            if await asyncio.to_thread(database.revive):
                logger.warning("PostgreSQL had died and was started again")
        except EmbeddedDatabaseError as error:
            logger.error("PostgreSQL has died and does not start again yet: %s", error)  # noqa: TRY400  a fact, no bug
