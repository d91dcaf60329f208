"""Secrets that are replaced while the server runs: their sources are read again, and whoever uses them is told."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

import attrs

from firmtrail_server.auth.announced_keys import AnnouncedKeys
from firmtrail_server.settings import BadSetting, Settings, SettingsReader

logger = logging.getLogger(__name__)

#: between two looks, however many connections fail meanwhile
_PAUSE_SECONDS = 1.0
_LOOKS_BEFORE_A_KEY_SIGNS = 2

Use = Callable[[Any], Awaitable[None]]


class Rotation:
    """Looks at the sources now and then, and when somebody asks for it."""

    def __init__(
        self,
        settings: Settings,
        reader: SettingsReader | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._used, self._reader, self._clock = settings, reader, clock
        self._uses: dict[str, Sequence[Use]] = {}
        self._turn = asyncio.Lock()
        self._looked_at = -_PAUSE_SECONDS
        self._complaint = ""
        wait_seconds = _LOOKS_BEFORE_A_KEY_SIGNS * settings.secrets_refresh_seconds
        self._announced = AnnouncedKeys(settings.signing_keys, wait_seconds) if settings.signing_keys else None

    def tell(self, name: str, *uses: Use) -> None:
        """Let all of `uses` take over the setting of this name whenever it has changed."""
        self._uses[name] = uses

    async def run(self) -> NoReturn:
        while True:
            await asyncio.sleep(self._seconds_to_the_next())
            await self.look()

    async def look(self) -> None:
        """Read the sources again, unless somebody has just done so. One that cannot be read changes nothing."""
        if self._reader is None:
            return
        async with self._turn:
            if self._clock() - self._looked_at < _PAUSE_SECONDS:
                return
            try:
                await self._use(await asyncio.to_thread(self._reader.read))
            except BadSetting as error:
                self._complain(str(error))
            else:
                self._complaint = ""
            finally:
                self._looked_at = self._clock()

    def _complain(self, complaint: str) -> None:
        """Say it once, however often it is found."""
        if complaint != self._complaint:
            logger.warning("the secrets stay as they are: %s", complaint)
        self._complaint = complaint

    def _seconds_to_the_next(self) -> float:
        due = self._reader.due_seconds() if self._reader else None
        return min(self._used.secrets_refresh_seconds, due or float("inf"))

    async def _use(self, read: Settings) -> None:
        if self._announced and read.signing_keys:
            ordered = self._announced.ordered(read.signing_keys, self._clock())
            read = attrs.evolve(read, signing_keys=ordered)
        for name, uses in self._uses.items():
            value = getattr(read, name)
            if value is not None and value != getattr(self._used, name):
                for use in uses:
                    await use(value)
                self._used = attrs.evolve(self._used, **{name: value})
                logger.info("another %s is used from now on", name)
