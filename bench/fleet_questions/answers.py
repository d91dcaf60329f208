"""The answers to the fleet's questions, worked out from the generated devices alone: what is timed must equal them.

Each answer takes one device after the other (`add`), so that one pass over the fleet serves all of them.
"""

from __future__ import annotations

import uuid
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Protocol

from bench.fleet_questions.fleet import Device, Period
from bench.fleet_questions.rollouts import BEGIN, DAY, END, version_name

#: a component and its version
Ran = tuple[str, str]
#: the server's: no device is silent before so many of its intervals, or so many seconds
SILENT_INTERVALS, SILENT_SECONDS = 3, 900
YEAR = 365.25 * DAY


class Answer(Protocol):
    """Something that is worked out device by device."""

    def add(self, device: Device) -> None: ...


def work_out(answers: Sequence[Answer], devices: Iterable[Device]) -> None:
    """Show every device to every answer."""
    for device in devices:
        for answer in answers:
            answer.add(device)


def running(device: Device, at: int | None, component: str | None = None) -> Iterator[Period]:
    """Give the periods that contain a moment, one a component; None: now, which is the open ones."""
    for period in device.periods:
        if component is None or period.component == component:
            end = period.superseded_at
            if end is None if at is None else period.first_reported_at <= at and (end is None or end > at):
                yield period


@dataclass
class Counts:
    """How many devices ran which version."""

    at: int | None
    component: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    found: Counter[Ran] = field(default_factory=Counter[Ran])

    def add(self, device: Device) -> None:
        if self.labels.items() <= device.labels.items():
            self.found.update(
                (ran.component, version_name(ran.version)) for ran in running(device, self.at, self.component)
            )


@dataclass
class Runners:
    """Which devices ran a version of a component, as ids and names."""

    at: int | None
    component: str
    version: str
    found: list[tuple[uuid.UUID, str]] = field(default_factory=list[tuple[uuid.UUID, str]])

    def add(self, device: Device) -> None:
        if any(version_name(ran.version) == self.version for ran in running(device, self.at, self.component)):
            self.found.append((device.id, device.name))

    @property
    def ids(self) -> list[uuid.UUID]:
        return sorted(device_id for device_id, _ in self.found)

    @property
    def ids_by_name(self) -> list[uuid.UUID]:
        return [device_id for device_id, _ in sorted(self.found, key=itemgetter(1))]

    @property
    def names(self) -> list[str]:
        return sorted(name for _, name in self.found)


@dataclass
class Spread:
    """How many devices in service ran which version of a component at each of several moments, in order."""

    component: str
    moments: Sequence[int]
    #: by the number of the moment and the version
    found: Counter[tuple[int, str]] = field(default_factory=Counter[tuple[int, str]])

    def add(self, device: Device) -> None:
        for period in device.periods:
            if period.component == self.component:
                name = version_name(period.version)
                ends = [end for end in (period.superseded_at, device.life.retired_at) if end is not None]
                first = bisect_left(self.moments, period.first_reported_at)
                after = bisect_left(self.moments, min(ends)) if ends else len(self.moments)
                self.found.update((number, name) for number in range(first, after))


@dataclass
class History:
    """What one device ran at a moment, by component."""

    device_id: uuid.UUID
    at: int | None
    found: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, device: Device) -> None:
        if device.id == self.device_id:
            self.found = {ran.component: version_name(ran.version) for ran in running(device, self.at)}


@dataclass
class Silent:
    """Which devices in service were never heard, or not for too long when the history ends; and how many there are."""

    devices: int = 0
    found: set[uuid.UUID] = field(default_factory=set[uuid.UUID])

    def add(self, device: Device) -> None:
        life = device.life
        if life.retired_at is None:
            self.devices += 1
            allowed = max(SILENT_INTERVALS * life.cadence, SILENT_SECONDS)
            if life.heard_at is None or END - life.heard_at > allowed:
                self.found.add(device.id)


@dataclass
class DeviceYears:
    """How long all devices together have reported within the history, in years."""

    found: float = 0

    def add(self, device: Device) -> None:
        if device.life.heard_at is not None:
            self.found += max(0, device.life.heard_at - max(device.life.created_at, BEGIN)) / YEAR
