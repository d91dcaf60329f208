"""The devices of a project."""

from __future__ import annotations

import uuid

import attrs

from firmtrail_contract import (
    MAX_LABELS,
    AuditAction,
    Device,
    DeviceChange,
    DeviceDetails,
    DeviceList,
    DeviceQuery,
    NewDevice,
)
from firmtrail_server.db import Connection
from firmtrail_server.errors import TooManyLabels
from firmtrail_server.http.context import Context, PublicContext
from firmtrail_server.http.results import Created
from firmtrail_server.queries import api_keys, devices
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.services import device_agents
from firmtrail_server.services.deletion import remove_devices
from firmtrail_server.services.device_lists import list_page
from firmtrail_server.services.registration import register, rename


async def create_device(ctx: Context, conn: Connection, project_id: uuid.UUID, body: NewDevice) -> Created[Device]:
    """409 when another one of the project has its name or its hardware fingerprint. It gets its API keys apart."""
    device = await register(conn, project_id, body, ctx.now())
    await ctx.audit(conn, Change(AuditAction.DEVICE_CREATED, device.id, device.name))
    return Created(device)


async def list_devices(ctx: Context, conn: Connection, project_id: uuid.UUID, query: DeviceQuery) -> DeviceList:
    """Filters add up.

    They come by name, or in the `order` that is asked for; with `version` or `component` by id.
    """
    return await list_page(conn, project_id, query, ctx.now())


async def get_device(ctx: Context, conn: Connection, device_id: uuid.UUID) -> DeviceDetails:
    project_id = ctx.principal.project_id
    device = await devices.get(conn, project_id, device_id)
    firmware = await devices.list_open_periods(conn, project_id, device_id)
    agent = await device_agents.find(conn, project_id, device_id)
    return DeviceDetails(**attrs.asdict(device, recurse=False), firmware=firmware, agent=agent)


async def change_device(ctx: Context, conn: Connection, device_id: uuid.UUID, body: DeviceChange) -> Device:
    """What is left out stays as it is.

    409 when another device of the project has the name, or it would have too many labels.
    """
    project_id = ctx.principal.project_id
    device = await devices.get(conn, project_id, device_id)
    changed = _changed(device, body)
    if changed == device:
        return device
    if changed.name != device.name:
        await rename(conn, device, changed.name)
    await devices.update_labels(conn, project_id, device_id, changed.labels)
    await ctx.audit(conn, Change(AuditAction.DEVICE_CHANGED, device_id, device.name, _details(body)))
    return changed


async def retire_device(ctx: Context, conn: Connection, device_id: uuid.UUID) -> Device:
    """Twice is once."""
    project_id = ctx.principal.project_id
    device = await devices.get(conn, project_id, device_id)
    if device.retired_at is not None:
        return device
    await api_keys.delete_of_devices(conn, project_id, [device_id])
    await devices.unflag_two_machines(conn, project_id, device_id)
    await devices.update_retired_at(conn, project_id, device_id, ctx.now())
    await ctx.audit(conn, Change(AuditAction.DEVICE_RETIRED, device_id, device.name))
    return attrs.evolve(device, retired_at=ctx.now(), two_machines_since=None)


async def restore_device(ctx: Context, conn: Connection, device_id: uuid.UUID) -> Device:
    """It needs a new API key."""
    project_id = ctx.principal.project_id
    device = await devices.get(conn, project_id, device_id)
    if device.retired_at is None:
        return device
    await devices.update_retired_at(conn, project_id, device_id, None)
    await ctx.audit(conn, Change(AuditAction.DEVICE_RESTORED, device_id, device.name))
    return attrs.evolve(device, retired_at=None)


async def delete_device(ctx: Context, conn: Connection, device_id: uuid.UUID) -> None:
    """To keep the history, retire it."""
    project_id = ctx.principal.project_id
    device = await devices.get(conn, project_id, device_id)
    await remove_devices(conn, project_id, [device_id], ctx.now())
    await ctx.audit(conn, Change(AuditAction.DEVICE_DELETED, device_id, device.name))


async def sweep(ctx: PublicContext, answer: None) -> None:
    """Let the history of what was deleted be swept up."""
    ctx.services.sweeper.wake()
    return answer


def _changed(device: Device, change: DeviceChange) -> Device:
    merged = {**device.labels, **change.labels}
    labels = {key: value for key, value in merged.items() if value is not None}
    if len(labels) > MAX_LABELS:
        raise TooManyLabels(MAX_LABELS)
    return attrs.evolve(device, name=change.name or device.name, labels=labels)


def _details(change: DeviceChange) -> dict[str, str]:
    labels = {f"label {key}": value or "" for key, value in change.labels.items()}
    return labels if change.name is None else {"name": change.name, **labels}
