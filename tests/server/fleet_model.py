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
    #: the start of the next period, or since when the component is gone; None while this one is in force
    superseded_at: int | None

    def contains(self, at: int | None) -> bool:
        """Say whether it was in force at a moment, or, without one, is."""
        if at is None or self.superseded_at is None:
            return self.superseded_at is None and (at is None or self.first_reported_at <= at)
        return self.first_reported_at <= at < self.superseded_at


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
    #: devices, also those that have never reported
    registered: set[str] = field(default_factory=set[str])
    deleted: set[str] = field(default_factory=set[str])
    #: since when a device is retired
    retired_at: dict[str, int] = field(default_factory=dict[str, int])
    #: those of today; nobody knows the ones before
    labels: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def kept_devices(self) -> list[str]:
        return sorted(({one.device_id for one in self.observations} | self.registered) - self.deleted)

    def is_retired(self, device_id: str, at: int | None) -> bool:
        """Say whether a device is out of service at a moment, or, without one, now."""
        return device_id in self.retired_at and (at is None or self.retired_at[device_id] <= at)

    def devices(self, at: int | None, *, labels: Mapping[str, str] | None = None, state: str = "active") -> list[str]:
        """Give the devices that count at a moment: deleted ones never do, retired ones until they are retired."""
        return [
            device_id
            for device_id in self.kept_devices()
            if state == "any" or self.is_retired(device_id, at) == (state == "retired")
            if (labels or {}).items() <= self.labels.get(device_id, {}).items()
        ]

    def periods(self, device_id: str, component: str) -> list[Period]:
        model = HistoryModel()
        for one in self.observations:
            if (one.device_id, one.component) == (device_id, component):
                model.report(one.observed_at, one.version)
        return [Period(*shown) for shown in model.shown()]

    def components(self, device_id: str) -> list[str]:
        return sorted({one.component for one in self.observations if one.device_id == device_id})

    def period_at(self, device_id: str, component: str, at: int | None) -> Period | None:
        found = [period for period in self.periods(device_id, component) if period.contains(at)]
        assert len(found) <= 1, "periods of one history never overlap"
        return found[0] if found else None

    def version_at(self, device_id: str, component: str, at: int | None) -> str | None:
        period = self.period_at(device_id, component, at)
        return period.version if period else None

    def versions_at(self, device_id: str, at: int | None) -> dict[str, str]:
        """What a device ran, by component."""
        found = {component: self.version_at(device_id, component, at) for component in self.components(device_id)}
        return {component: version for component, version in found.items() if version is not None}

    def starts_at(
        self, component: str, at: int | None, *, labels: Mapping[str, str] | None = None, state: str = "active"
    ) -> dict[str, list[int]]:
        """Since when devices ran each version, ascending."""
        devices = self.devices(at, labels=labels, state=state)
        periods = [self.period_at(device_id, component, at) for device_id in devices]
        known = sorted((one.version, one.first_reported_at) for one in periods if one is not None)
        return {version: [start for other, start in known if other == version] for version, _ in known}

    def counts_at(
        self, component: str, at: int | None, *, labels: Mapping[str, str] | None = None, state: str = "active"
    ) -> Counter[str]:
        """How many devices ran each version."""
        starts = self.starts_at(component, at, labels=labels, state=state)
        return Counter({version: len(of_version) for version, of_version in starts.items()})

    def adoption(
        self,
        component: str,
        moments: Iterable[int],
        *,
        labels: Mapping[str, str] | None = None,
        state: str = "active",
    ) -> list[Counter[str]]:
        """How many devices ran each version, at each moment."""
        return [self.counts_at(component, at, labels=labels, state=state) for at in moments]

    def who_ran(
        self,
        component: str,
        versions: Iterable[str],
        at: int | None,
        *,
        labels: Mapping[str, str] | None = None,
        state: str = "active",
    ) -> dict[str, str]:
        """Which devices ran one of these versions, and which; by device id, ascending."""
        wanted = set(versions)
        devices = self.devices(at, labels=labels, state=state)
        ran = {device_id: self.version_at(device_id, component, at) for device_id in devices}
        return {device_id: version for device_id, version in ran.items() if version is not None and version in wanted}

    def first_starts(
        self, component: str, version: str, at: int, *, labels: Mapping[str, str] | None = None
    ) -> list[int]:
        """When each device of a moment first had a version, of those that had it by then; ascending."""
        starts = [
            [one.first_reported_at for one in self.ran(device_id, component) if one.version == version]
            for device_id in self.devices(at, labels=labels)
        ]
        return sorted(min(of_device) for of_device in starts if of_device and min(of_device) <= at)

    def dwell(
        self, component: str, version: str, until: int | None = None, *, labels: Mapping[str, str] | None = None
    ) -> list[int]:
        """Give the lengths of a version's periods on all devices that ended until a moment, ascending."""
        return sorted(
            one.superseded_at - one.first_reported_at
            for device_id in self.devices(None, labels=labels, state="any")
            for one in self.periods(device_id, component)
            if one.version == version and one.superseded_at is not None
            if one.first_reported_at < one.superseded_at and (until is None or one.superseded_at <= until)
        )

    def ran(self, device_id: str, component: str) -> list[Period]:
        """Give the periods that contain a moment; of two that follow one another with one version, one."""
        found: list[Period] = []
        for one in self.periods(device_id, component):
            if one.superseded_at == one.first_reported_at:
                continue
            if found and (found[-1].version, found[-1].superseded_at) == (one.version, one.first_reported_at):
                before = found.pop()
                found.append(Period(one.version, before.first_reported_at, one.last_reported_at, one.superseded_at))
            else:
                found.append(one)
        return found

    def changes(self, component: str) -> list[VersionChange]:
        """Every change of a version, by device and then by time."""
        return [
            VersionChange(device_id, before.version, after.version, after.first_reported_at)
            for device_id in self.kept_devices()
            for before, after in pairwise(self.ran(device_id, component))
            if before.superseded_at == after.first_reported_at  # or the component was gone in between
        ]

    def rollbacks(self, component: str, is_lower: Callable[[str, str], bool]) -> list[VersionChange]:
        """Those changes whose version is lower than the one before it."""
        return [change for change in self.changes(component) if is_lower(change.version, change.previous_version)]
