"""The walk that load.lua takes over a fleet, as a function: what it has sent after so many visits."""

from __future__ import annotations

from dataclasses import dataclass

#: a new version in ten reports: as after a rollout
CHANGE_EVERY = 10
#: one in 500, the share of the fleet of `./dev bench fleet`
RARE_CHANGE_EVERY = 500


@dataclass
class Walk:
    """Device after device, around and around; a device's version changes at every tenth visit, or so."""

    devices: int
    #: visits so far, over all runs
    position: int = 0
    #: visits of a device
    change_every: int = CHANGE_EVERY

    @property
    def passes(self) -> int:
        """How often every device has been visited."""
        return self.position // self.devices

    def next_visit(self) -> tuple[int, int]:
        """Say which device comes next, and with which version."""
        passes, device = divmod(self.position, self.devices)
        return device, (passes + device) // self.change_every

    def versions_sent(self) -> int:
        """Count the periods that the visits so far make: each device's first version and every change."""
        full, begun = divmod(self.position, self.devices)
        visits = ((device, full + (device < begun)) for device in range(self.devices))
        return sum(
            1 + (device + count - 1) // self.change_every - device // self.change_every
            for device, count in visits
            if count
        )
