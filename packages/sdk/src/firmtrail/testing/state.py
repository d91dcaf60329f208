"""Everything that the stand-in keeps: one project, its API keys, its devices, and the clock."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable

import attrs

from firmtrail.testing.access import Credentials
from firmtrail.testing.histories import KnownDevice
from firmtrail.testing.refusals import no_device
from firmtrail_contract import Project


@attrs.define(kw_only=True)
class State:
    """What a server has in its database."""

    project: Project
    credentials: Credentials = attrs.field(factory=Credentials)
    devices: dict[uuid.UUID, KnownDevice] = attrs.field(factory=dict[uuid.UUID, KnownDevice])
    #: when the boots of devices began, by device and boot
    boots: dict[tuple[uuid.UUID, uuid.UUID], dt.datetime] = attrs.field(
        factory=dict[tuple[uuid.UUID, uuid.UUID], dt.datetime]
    )
    #: how far the server's clock is ahead of this machine's
    lead: dt.timedelta = dt.timedelta()

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.lead

    def device(self, device_id: uuid.UUID) -> KnownDevice:
        """Find a device, or refuse."""
        if device_id not in self.devices:
            raise no_device(device_id)
        return self.devices[device_id]

    def by_id(self) -> list[KnownDevice]:
        return sorted(self.devices.values(), key=lambda one: one.stored.id)

    def labelled(self, labels: str | None) -> list[KnownDevice]:
        """List the devices that have labels, by id."""
        return [device for device in self.by_id() if device.has_labels(labels)]


def components_of(devices: Iterable[KnownDevice]) -> list[str]:
    """Every component that devices have."""
    return sorted({name for device in devices for name in device.components})
