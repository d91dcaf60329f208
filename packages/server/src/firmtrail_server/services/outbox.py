"""Work that ends in an e-mail, done after the answer: how long it takes tells nobody who is a user."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

logger = logging.getLogger(__name__)

_MAX_WAITING = 200
_AT_ONCE = 2

Job = Callable[[], Awaitable[None]]


class Outbox:
    """A short queue. What waits in it when the server ends is lost; who waits for the e-mail asks again."""

    def __init__(self) -> None:
        self._jobs = asyncio.Queue[Job](_MAX_WAITING)

    def put(self, job: Job) -> None:
        """Take a job, unless too many wait."""
        try:
            self._jobs.put_nowait(job)
        except asyncio.QueueFull:
            logger.warning("an e-mail is not sent: %d others wait to be", _MAX_WAITING)

    async def run(self) -> NoReturn:
        """Do the jobs, two at a time."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._work())
        raise AssertionError

    async def _work(self) -> NoReturn:
        while True:
            job = await self._jobs.get()
            try:
                await job()
            except Exception:
                logger.exception("an e-mail could not be prepared")
