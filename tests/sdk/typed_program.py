"""What type checkers make of a program that uses the SDK. `./dev check` reads it with two; it never runs."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Literal, assert_type

import firmtrail
from firmtrail import (
    AccessToken,
    Adoption,
    AsyncClient,
    AsyncDevicePager,
    AsyncHistoryPager,
    AsyncPager,
    Client,
    Compliance,
    CurrentProject,
    Device,
    DeviceApiKey,
    DeviceDesiredVersion,
    DeviceDetails,
    DeviceImport,
    DevicePager,
    ExportedPeriod,
    ExportProgress,
    FieldError,
    FirmwareChange,
    FirmwareChanges,
    FirmwareReceipt,
    FirmwareVersions,
    FollowedChanges,
    HistoryPager,
    IssuedProjectApiKey,
    JoinedProject,
    ListedDevice,
    Member,
    Page,
    Pager,
    ProblemCode,
    RawResponse,
    Role,
    Session,
    User,
    VersionPeriod,
)
from firmtrail.errors import ApiError
from firmtrail.resources import Devices

DEVICE = "00000000-0000-4000-8000-000000000000"
seen: list[RawResponse] = []


def use(client: Client) -> None:
    """Everything that a call gives has its type."""
    assert_type(client.devices, Devices)
    assert_type(client.with_options(timeout=5, attempts=1, on_response=seen.append), Client)
    assert_type(client.devices.list(labels={"site": "berlin", "rack": None}), DevicePager)
    assert_type(list(client.devices.list()), list[ListedDevice])
    assert_type(client.devices.list().first(), ListedDevice | None)
    assert_type(list(client.devices.list().pages()), list[Page[ListedDevice]])
    assert_type(client.devices.list().next_page_token, str | None)
    assert_type(client.devices.list().as_of, dt.datetime | None)
    assert_type(client.devices.get(DEVICE), DeviceDetails)
    assert_type(client.devices.update(uuid.UUID(DEVICE), labels={"site": None}), Device)
    assert_type(client.devices.import_file("devices.csv"), DeviceImport)
    assert_type(client.device_api_keys.list(DEVICE), Pager[DeviceApiKey])
    assert_type(client.api_keys.create(None, "viewer"), IssuedProjectApiKey)
    assert_type(client.members.update(None, DEVICE, role=Role.EDITOR), Member)
    assert_type(client.projects.list(), Pager[JoinedProject])
    assert_type(client.projects.current(), CurrentProject)
    assert_type(client.users.me(), User)
    assert_type(client.firmware.report(DEVICE, "1.4.2"), FirmwareReceipt)
    assert_type(client.firmware.history(DEVICE), HistoryPager)
    assert_type(client.firmware.history(DEVICE).first(), VersionPeriod | None)
    assert_type(client.firmware_changes.poll(after=7, labels={"site": "berlin"}), FirmwareChanges)
    assert_type(client.firmware_changes.follow(), FollowedChanges)
    assert_type(next(iter(client.firmware_changes.follow())), FirmwareChange)
    assert_type(next(client.firmware_history.export()), ExportedPeriod)
    assert_type(client.firmware_history.write("history.csv", labels={"site": None}), ExportProgress)
    assert_type(client.users.sessions(), Pager[Session])
    assert_type(client.access_token(offline_access=True), AccessToken)
    assert_type(client.fleet.versions(at=dt.date(2026, 5, 3)), FirmwareVersions)
    assert_type(client.fleet.adoption(version="1.5.0"), Adoption)
    assert_type(client.fleet.compliance(), Compliance)
    assert_type(client.desired_versions.of_device(DEVICE), Sequence[DeviceDesiredVersion])


async def use_async(client: AsyncClient) -> None:
    """The async client has the same types, to be awaited."""
    assert_type(client.with_options(api_key="id:secret"), AsyncClient)
    assert_type(client.devices.list(), AsyncDevicePager)
    assert_type([device async for device in client.devices.list()], list[ListedDevice])
    assert_type(await client.devices.list().first(), ListedDevice | None)
    assert_type(client.firmware.history(DEVICE), AsyncHistoryPager)
    assert_type(client.users.sessions(), AsyncPager[Session])
    assert_type(await client.firmware_changes.poll(), FirmwareChanges)
    assert_type([period async for period in client.firmware_history.export()], list[ExportedPeriod])
    assert_type(await client.firmware.report(DEVICE, "1.4.2"), FirmwareReceipt)


def refused(error: ApiError) -> None:
    """An error has the facts of a problem document."""
    assert_type(error.status, int | None)
    assert_type(error.code, ProblemCode | str | None)
    assert_type(error.errors, Sequence[FieldError])
    assert_type(error.request_id, str | None)


def fields(device: Device, answer: RawResponse) -> None:
    """A model has the types of its fields; nothing is Any."""
    assert_type(device.id, uuid.UUID)
    assert_type(device.labels, dict[str, str])
    assert_type(device.last_reported_at, dt.datetime | None)
    assert_type(answer.content, bytes)
    assert_type(firmtrail.__version__, str)


def make(auth: Literal["token", "basic"]) -> Client:
    """A client is made of typed settings."""
    with Client("http://127.0.0.1", auth=auth, profile="work", project=uuid.UUID(DEVICE)) as client:
        return client
