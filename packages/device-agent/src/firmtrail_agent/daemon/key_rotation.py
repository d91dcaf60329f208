"""When the daemon replaces the device's own key by itself: when it is old, each device at a moment of its own."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from firmtrail import ClockState
from firmtrail_agent.config.configuration import BadConfiguration
from firmtrail_agent.config.settings import Settings
from firmtrail_agent.state import identity
from firmtrail_agent.state.device import Device
from firmtrail_agent.state.identity import Identity, IdentityDamaged
from firmtrail_agent.system import log
from firmtrail_agent.system.directories import InUse
from firmtrail_agent.system.host import Host

if TYPE_CHECKING:
    from firmtrail_agent.daemon.health import Health

_DAY = 24 * 3600.0
#: by this part of its time a key may be replaced earlier: a fleet that was enrolled in one day does not come in one day
SPREAD = 0.1
#: after one that did not work
_PAUSE_SECONDS = 3600.0


class KeyRotation:
    """Replaces the key of the device, and remembers when that was last tried."""

    def __init__(self, host: Host, device: Device, health: Health) -> None:
        self._clock = host.boot_time
        self._clocks = device.clocks
        self._health = health
        self._not_before = 0.0

    async def rotate_if_due(self, settings: Settings) -> bool:
        """Replace the key that is used, if it is time and the time is known; say whether there is another key."""
        chosen, now = settings.configuration, self._clocks.read()
        file, days = chosen.identity_file, chosen.rotate_key_after_days
        if not days or file is None or settings.credential.file != file or self._clock() < self._not_before:
            return False
        if now.clock_state is not ClockState.SYNCED or now.wall_time is None:
            return False
        from firmtrail_agent.server import enrollment  # noqa: PLC0415  needed once in a while

        try:
            if not is_due(file, now.wall_time.timestamp(), days):
                return False
            self._not_before = self._clock() + _PAUSE_SECONDS
            await enrollment.rotate(chosen, file)
        except (enrollment.NotEnrolled, InUse, IdentityDamaged, BadConfiguration) as error:
            self._health.warn("rotation", f"the API key was not replaced: {error}")
            return False
        log.info("this device has a new API key, since the old one was old")
        self._health.recovered("rotation", "the API key could be replaced")
        return True


def is_due(file: Path, now: float, days: int) -> bool:
    """Say whether the key in a file is so old that it is replaced, or its replacement was interrupted.

    Without a date of its own it is as old as the file.

    Raises:
        IdentityDamaged: the file cannot be read.
    """
    mine = identity.read(file)
    if mine is None:
        return False
    issued_at = file.stat().st_mtime if mine.issued_at is None else mine.issued_at.timestamp()
    return mine.previous_api_key is not None or now - issued_at >= days * _DAY * (1 - SPREAD * _share(mine))


def _share(mine: Identity) -> float:
    """Draw a number below 1 that stays the same as long as the key does."""
    return zlib.crc32(mine.api_key.partition(":")[0].encode()) / 2**32
