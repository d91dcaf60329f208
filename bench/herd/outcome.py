"""Lives a situation through, and holds the server's history against what ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.herd.device import SimulatedDevice
from bench.herd.server import BIN_SECONDS, Server
from bench.herd.situations import Situation
from bench.herd.timeline import Timeline

#: the budgets are for a fleet of this size
FLEET = 10_000
_BINS_PER_MINUTE = 60 // BIN_SECONDS


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a situation."""

    name: str
    devices: int
    #: requests a second, over ten seconds
    peak: float
    #: None: any will do
    budget: float | None
    #: versions that ran, and how many of them the server's histories lack
    transitions: int
    lost: int
    #: versions that the histories hold too much, or reports that they count too much
    twice: int
    #: the peak of each minute, by its end in seconds
    curve: Mapping[int, float]

    @property
    def allowed(self) -> float | None:
        """The budget of a fleet of this size."""
        return None if self.budget is None else self.budget * self.devices / FLEET

    @property
    def kept(self) -> bool:
        return self.allowed is None or self.peak <= self.allowed


def live(situation: Situation, devices: int) -> Outcome:
    """Let a fleet live through a situation."""
    timeline, server = Timeline(), Server()
    fleet = [
        SimulatedDevice(number, situation.story(number), timeline, server, situation.forecast)
        for number in range(devices)
    ]
    timeline.run([device.live() for device in fleet], until=situation.until)
    books = [compare(device, server) for device in fleet]
    bins = range(int(situation.since // BIN_SECONDS), int(situation.until // BIN_SECONDS))
    return Outcome(
        name=situation.name,
        devices=devices,
        peak=max(server.requests[one] for one in bins) / BIN_SECONDS,
        budget=situation.budget,
        transitions=sum(len(device.story.versions) for device in fleet),
        lost=sum(lost for lost, _ in books),
        twice=sum(twice for _, twice in books),
        curve=_curve(server, bins.stop),
    )


def _curve(server: Server, stop: int) -> Mapping[int, float]:
    curve: dict[int, float] = {}
    for first in range(0, stop, _BINS_PER_MINUTE):
        bins = range(first, first + _BINS_PER_MINUTE)
        curve[bins.stop * BIN_SECONDS] = max(server.requests[one] for one in bins) / BIN_SECONDS
    return curve


def compare(device: SimulatedDevice, server: Server) -> tuple[int, int]:
    """Count the versions that are missing and those that are too many; and each report that is counted too often."""
    ran = [version for _, version in device.story.versions]
    periods = server.history(device.device_id)
    told = [period.version for period in periods]
    common = sum(one == other for one, other in zip(ran, told, strict=False))
    counted = sum(period.report_count for period in periods)
    return len(ran) - common, len(told) - common + max(0, counted - device.observations)
