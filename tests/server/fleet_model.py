"""What a fleet ran, in the dumbest way that is right: every question walks over every period of every device.

For tests to compare with. Reports are kept in order of arrival, and each history is worked out anew from them by
`history_model.py`. A moment is a number, whatever its unit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from tests.server.history_model import HistoryModel


@dataclass(frozen=True)
class Observation:
    device_id: str
    component: str
    version: str
    observed_at: int


@dataclass(frozen=True)
class Period:
    version: str
    first_reported_at: int
    last_reported_at: int
    #: the start of the next period; None while this one is in force
    superseded_at: int | None

    def contains(self, at: int) -> bool:
        return self.first_reported_at <= at and (self.superseded_at is None or at < self.superseded_at)


@dataclass(frozen=True)
class VersionChange:
    device_id: str
    previous_version: str
    version: str
    at: int


@dataclass
class FleetModel:
    #: in order of arrival
    observations: list[Observation] = field(default_factory=list[Observation])
    deleted: set[str] = field(default_factory=set[str])
    #: since when a device is retired
    retired_at: dict[str, int] = field(default_factory=dict[str, int])
    #: those of today; nobody knows the ones before
    labels: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def kept_devices(self) -> list[str]:
        return sorted({one.device_id for one in self.observations} - self.deleted)

    def devices(self, at: int, *, labels: Mapping[str, str] | None = None, with_retired: bool = False) -> list[str]:
        """Give the devices that count at a moment: deleted ones never do, retired ones until they are retired."""
        return [
            device_id
            for device_id in self.kept_devices()
            if with_retired or device_id not in self.retired_at or at < self.retired_at[device_id]
            if (labels or {}).items() <= self.labels.get(device_id, {}).items()
        ]

    def periods(self, device_id: str, component: str) -> list[Period]:
        model = HistoryModel()
        for one in self.observations:
            if (one.device_id, one.component) == (device_id, component):
                model.report(one.observed_at, one.version)
        runs = model.history()
        ends = [first for _, first, _ in runs[1:]]
        return [
            Period(version, first, last, end) for (version, first, last), end in zip(runs, [*ends, None], strict=False)
        ]

    def components(self, device_id: str) -> list[str]:
        return sorted({one.component for one in self.observations if one.device_id == device_id})

    def version_at(self, device_id: str, component: str, at: int) -> str | None:
        found = [period.version for period in self.periods(device_id, component) if period.contains(at)]
        assert len(found) <= 1, "periods of one history never overlap"
        return found[0] if found else None

    def versions_at(self, device_id: str, at: int) -> dict[str, str]:
        """What a device ran, by component."""
        found = {component: self.version_at(device_id, component, at) for component in self.components(device_id)}
        return {component: version for component, version in found.items() if version is not None}

    def counts_at(
        self, component: str, at: int, *, labels: Mapping[str, str] | None = None, with_retired: bool = False
    ) -> Counter[str]:
        """How many devices ran each version."""
        devices = self.devices(at, labels=labels, with_retired=with_retired)
        versions = [self.version_at(device_id, component, at) for device_id in devices]
        return Counter(version for version in versions if version is not None)

    def adoption(
        self,
        component: str,
        moments: Iterable[int],
        *,
        labels: Mapping[str, str] | None = None,
        with_retired: bool = False,
    ) -> list[Counter[str]]:
        """How many devices ran each version, at each moment."""
        return [self.counts_at(component, at, labels=labels, with_retired=with_retired) for at in moments]

    def who_ran(
        self,
        component: str,
        versions: Iterable[str],
        at: int,
        *,
        labels: Mapping[str, str] | None = None,
        with_retired: bool = False,
    ) -> dict[str, str]:
        """Which devices ran one of these versions, and which; by device id, ascending."""
        wanted = set(versions)
        devices = self.devices(at, labels=labels, with_retired=with_retired)
        ran = {device_id: self.version_at(device_id, component, at) for device_id in devices}
        return {device_id: version for device_id, version in ran.items() if version is not None and version in wanted}

    def first_starts(self, component: str, version: str, at: int, *, with_retired: bool = False) -> list[int]:
        """When each device of a moment first had a version, of those that had it by then; ascending."""
        starts = [
            [one.first_reported_at for one in self.periods(device_id, component) if one.version == version]
            for device_id in self.devices(at, with_retired=with_retired)
        ]
        return sorted(min(of_device) for of_device in starts if of_device and min(of_device) <= at)

    def dwell(self, component: str, version: str) -> tuple[list[int], int]:
        """Give the lengths of a version's ended periods on all devices, ascending, and the number of those in force."""
        histories = [self.periods(device_id, component) for device_id in self.kept_devices()]
        periods = [one for history in histories for one in history if one.version == version]
        ended = sorted(one.superseded_at - one.first_reported_at for one in periods if one.superseded_at is not None)
        return ended, len(periods) - len(ended)

    def changes(self, component: str) -> list[VersionChange]:
        """Every change of a version, by device and then by time."""
        return [
            VersionChange(device_id, before.version, after.version, after.first_reported_at)
            for device_id in self.kept_devices()
            for before, after in pairwise(self.periods(device_id, component))
        ]

    def rollbacks(self, component: str, is_lower: Callable[[str, str], bool]) -> list[VersionChange]:
        """Those changes whose version is lower than the one before it."""
        return [change for change in self.changes(component) if is_lower(change.version, change.previous_version)]
