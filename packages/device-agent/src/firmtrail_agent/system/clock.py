"""What the device's clocks show, and how far its wall clock can be believed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from firmtrail import ClockReading, ClockState
from firmtrail_agent.system.boot import Boot
from firmtrail_agent.system.rooted_path import RootedPath

#: no clock that shows an earlier moment is right: this software was not written yet
BUILT_AT = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
#: what the clocks of a device and of a server may differ by, with the time that a request takes
TOLERANCE = dt.timedelta(minutes=5)
#: between two looks at the clocks a time server moves one by milliseconds only, when it does not set it anew
_JUMP_SECONDS = 5.0
_SYNCHRONIZED = "/run/systemd/timesync/synchronized"


class Clocks:
    """The wall clock and the boot clock of one boot."""

    def __init__(
        self,
        boot: Boot,
        *,
        boot_time: Callable[[], float],
        wall_time: Callable[[], float],
        monotonic: Callable[[], float],
        root: Path,
    ) -> None:
        self._boot = boot
        self._boot_time = boot_time
        self._wall_time = wall_time
        self._monotonic = monotonic
        self._root = root
        #: a moment of the server, and the boot time at which it was that moment
        self._server: tuple[dt.datetime, float] | None = None
        self._offsets = self._measured()

    def read(self) -> ClockReading:
        """Read all clocks now."""
        boot_time, wall_time = self._boot_time(), self._wall_time()
        try:
            wall = dt.datetime.fromtimestamp(wall_time, dt.UTC)
        except (ValueError, OverflowError, OSError):
            wall = None
        return ClockReading(
            boot_id=self._boot.boot_id,
            boot_sequence=self._boot.sequence,
            boot_time_ms=int(boot_time * 1000),
            wall_time=wall,
            clock_state=self._state(wall, boot_time),
        )

    def boot_time(self) -> float:
        """Read the boot clock, in seconds."""
        return self._boot_time()

    def compare(self, received_at: dt.datetime, sent: ClockReading) -> None:
        """Learn the server's moment of a request: a clock that agrees with it is synced, one that does not is not."""
        self._server = (received_at, sent.boot_time_ms / 1000)

    def jumped(self) -> bool:
        """Say whether, since the last time this was asked, the wall clock was set or the device was suspended."""
        before, self._offsets = self._offsets, self._measured()
        return any(abs(new - old) > _JUMP_SECONDS for new, old in zip(self._offsets, before, strict=True))

    def _measured(self) -> tuple[float, float]:
        boot_time = self._boot_time()
        return self._wall_time() - boot_time, boot_time - self._monotonic()

    def _state(self, wall: dt.datetime | None, boot_time: float) -> ClockState:
        if wall is None or wall < BUILT_AT:
            return ClockState.IMPLAUSIBLE
        if self._server is not None:
            moment, at = self._server
            ahead = wall - moment - dt.timedelta(seconds=boot_time - at)
            return ClockState.SYNCED if abs(ahead) <= TOLERANCE else ClockState.UNSYNCED
        if RootedPath(self._root, _SYNCHRONIZED).exists():
            return ClockState.SYNCED
        return ClockState.UNSYNCED
