"""A fleet twice: in a real database, through the real ingest, and in the model that says what it should be."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs

from firmtrail_contract import NewDevice, ObservedAtSource, ObservedMoment, Role
from firmtrail_server.auth.credentials import SecretDigests
from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.history.timeline import Record, Sender
from firmtrail_server.ingest import Ingest, Submission
from firmtrail_server.queries import api_keys, devices, projects
from firmtrail_server.services.api_keys import KeyIssuer, Terms
from firmtrail_server.services.deletion import remove_devices
from tests.server.fleet_model import FleetModel, Observation

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
#: microseconds, as the model counts them
HOUR = 3_600_000_000
DAY = 24 * HOUR
NOW = START + dt.timedelta(days=900)
_TERMS = Terms(created_by=None, created_at=START)


def moment(number: int) -> dt.datetime:
    return START + dt.timedelta(microseconds=number)


def number(moment: dt.datetime) -> int:
    return (moment - START) // dt.timedelta(microseconds=1)


@attrs.define
class RealFleet:
    """Devices of one project; a device is named by its place in the order of registration."""

    database: Database
    ingest: Ingest
    keys: KeyIssuer = attrs.field(factory=lambda: KeyIssuer(SecretDigests(b"of the tests")))
    project_id: uuid.UUID = attrs.field(factory=uuid.uuid4)
    devices: list[uuid.UUID] = attrs.field(factory=list[uuid.UUID])
    senders: dict[int, Sender] = attrs.field(factory=dict[int, Sender])
    model: FleetModel = attrs.field(factory=FleetModel)

    async def begin(self, size: int) -> None:
        """Start afresh in a new project, with so many devices."""
        self.devices, self.senders, self.model = [], {}, FleetModel()
        async with self.database.transaction() as conn:
            self.project_id = (await projects.insert(conn, "Test", START)).id
            for name in range(size):
                device = await devices.insert(conn, self.project_id, NewDevice(name=str(name)), START)
                self.devices.append(device.id)
                self.model.registered.add(str(device.id))
                await self._issue_key(conn, name)

    async def report(self, device: int, versions: Sequence[tuple[str, str]], at: int, lasts: int = 0) -> None:
        """Report versions for a moment, or from it on for so long; a device without a key is not heard."""
        if device not in self.senders:
            return
        moments = [ObservedMoment(at=moment(seen), source=ObservedAtSource.DEVICE) for seen in (at, at + lasts)]
        await self.ingest.submit(Submission(self.senders[device], NOW, Record(moments[0], moments[1], versions)))
        for component, version in versions:
            for seen in sorted({at, at + lasts}):
                self.model.observations.append(Observation(str(self.devices[device]), component, version, seen))

    async def retire(self, device: int, at: int) -> None:
        if self.senders.pop(device, None) is None:
            return
        device_id = self.devices[device]
        async with self.database.transaction() as conn:
            await api_keys.delete_of_devices(conn, self.project_id, [device_id])
            await devices.update_retired_at(conn, self.project_id, device_id, moment(at))
        self.model.retired_at[str(device_id)] = at

    async def restore(self, device: int) -> None:
        if self.model.retired_at.pop(str(self.devices[device]), None) is None:
            return
        async with self.database.transaction() as conn:
            await devices.update_retired_at(conn, self.project_id, self.devices[device], None)
            await self._issue_key(conn, device)

    async def delete(self, device: int) -> None:
        device_id = self.devices[device]
        if str(device_id) in self.model.deleted:
            return
        await self.database.run(Transaction.WRITE, remove_devices, self.project_id, [device_id], NOW)
        self.senders.pop(device, None)
        self.model.deleted.add(str(device_id))
        self.model.retired_at.pop(str(device_id), None)

    async def label(self, device: int, site: str) -> None:
        device_id, labels = self.devices[device], {"site": site}
        await self.database.run(Transaction.WRITE, devices.update_labels, self.project_id, device_id, labels)
        self.model.labels[str(device_id)] = labels

    async def reader(self) -> tuple[str, str]:
        """Make a key of the project that may read: its id and its secret."""
        async with self.database.transaction() as conn:
            key = await self.keys.issue_for_project(conn, self.project_id, Role.VIEWER, _TERMS)
        return str(key.id), key.secret

    async def _issue_key(self, conn: Connection, name: int) -> None:
        device = await devices.get(conn, self.project_id, self.devices[name])
        key = await self.keys.issue_for_device(conn, device, _TERMS)
        self.senders[name] = Sender(key.id, device.id, None)
