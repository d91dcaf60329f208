"""Work beside requests: it ends when it is told to."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from firmtrail_server.services.background import end


async def test_work_ends_though_its_first_cancellation_was_lost() -> None:
    begun = asyncio.Event()

    async def deaf_at_first() -> None:
        with suppress(asyncio.CancelledError):
            begun.set()
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(deaf_at_first())
    await begun.wait()

    await end(task)

    assert task.cancelled()
