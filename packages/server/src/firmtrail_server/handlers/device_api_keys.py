"""The API keys of a device: at most two at a time, so that a new one can be rolled out beside the old one."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail_contract import AuditAction, DeviceApiKey, DeviceKeyRotation, IssuedDeviceApiKey, NewDeviceApiKey, Page
from firmtrail_server.auth.permissions import DEVICE_SCOPES, Principal
from firmtrail_server.db import Connection
from firmtrail_server.errors import ApiKeyNotFound
from firmtrail_server.http.context import Context
from firmtrail_server.http.results import Created
from firmtrail_server.queries import api_keys, devices
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.services.api_keys import Terms


async def create_device_api_key(
    ctx: Context, conn: Connection, device_id: uuid.UUID, body: NewDeviceApiKey
) -> Created[IssuedDeviceApiKey]:
    """409 when it has two living ones. The secret is shown this once.

    It takes the scope devices:write too: the key may report for the device.
    """
    ctx.principal.require_powers(DEVICE_SCOPES)
    project_id = ctx.principal.project_id
    terms = Terms.of(body.label, body.expires_at, by=ctx.principal.actor_id, now=ctx.now())
    device = await devices.get(conn, project_id, device_id)
    issued = await ctx.keys.issue_for_device(conn, device, terms)
    await ctx.audit(conn, Change(AuditAction.DEVICE_API_KEY_CREATED, issued.id, issued.label, {"device": device.name}))
    return Created(issued)


async def list_device_api_keys(ctx: Context, conn: Connection, device_id: uuid.UUID) -> Page[DeviceApiKey]:
    project_id = ctx.principal.project_id
    await devices.get(conn, project_id, device_id)
    return Page(items=await api_keys.list_of_device(conn, project_id, device_id, ctx.now()))


async def rotate_device_api_key(
    ctx: Context, conn: Connection, device_id: uuid.UUID, api_key_id: uuid.UUID, body: DeviceKeyRotation
) -> Created[IssuedDeviceApiKey]:
    """A device may rotate the key that it uses; its other one, if it has two, ends: so a device whose answer got lost
    simply asks again. Anyone else gets 409 while the device has two living keys: which of them it uses, it alone knows.
    The caller must have all that the new key may do: a device firmware:report, anyone else devices:write.
    """
    principal = ctx.principal
    principal.require_powers(DEVICE_SCOPES)
    _require_own(principal, api_key_id)
    device = await devices.get(conn, principal.project_id, device_id)
    living = await api_keys.list_of_device(conn, device.project_id, device_id, ctx.now())
    old = _named(living, api_key_id)
    if principal.device_id is not None:
        for other in living:
            if other.id != old.id:
                await api_keys.delete(conn, device.project_id, other.id)
    if body.overlap_seconds is not None:
        ends_at = ctx.now() + dt.timedelta(seconds=body.overlap_seconds)
        await api_keys.end(conn, device.project_id, old.id, ends_at)
    await devices.unflag_two_machines(conn, device.project_id, device_id)
    terms = Terms.of(old.label, body.expires_at, by=principal.actor_id, now=ctx.now())
    issued = await ctx.keys.issue_for_device(conn, device, terms)
    details = {"device": device.name, "new_id": str(issued.id)}
    await ctx.audit(conn, Change(AuditAction.DEVICE_API_KEY_ROTATED, old.id, old.label, details))
    return Created(issued)


async def confirm_device_api_key(ctx: Context, conn: Connection, device_id: uuid.UUID, api_key_id: uuid.UUID) -> None:
    """A device may confirm the key that it uses. So it gives up an old key only when it is known to have a new one."""
    principal = ctx.principal
    _require_own(principal, api_key_id)
    device = await devices.get(conn, principal.project_id, device_id)
    living = await api_keys.list_of_device(conn, device.project_id, device_id, ctx.now())
    kept = _named(living, api_key_id)
    for other in living:
        if other.id != kept.id:
            await api_keys.delete(conn, device.project_id, other.id)
            details = {"device": device.name}
            await ctx.audit(conn, Change(AuditAction.DEVICE_API_KEY_DELETED, other.id, other.label, details))


async def delete_device_api_key(ctx: Context, conn: Connection, device_id: uuid.UUID, api_key_id: uuid.UUID) -> None:
    """It is refused from the next request on."""
    project_id = ctx.principal.project_id
    device = await devices.get(conn, project_id, device_id)
    key = _named(await api_keys.list_of_device(conn, project_id, device_id, ctx.now()), api_key_id)
    await api_keys.delete(conn, project_id, key.id)
    await devices.unflag_two_machines(conn, project_id, device_id)
    await ctx.audit(conn, Change(AuditAction.DEVICE_API_KEY_DELETED, key.id, key.label, {"device": device.name}))


def _require_own(principal: Principal, api_key_id: uuid.UUID) -> None:
    """A device may speak of no other key than the one that it uses."""
    if principal.device_id is not None and principal.api_key_id != api_key_id:
        raise ApiKeyNotFound(api_key_id)


def _named(keys_of_device: list[DeviceApiKey], api_key_id: uuid.UUID) -> DeviceApiKey:
    for key in keys_of_device:
        if key.id == api_key_id:
            return key
    raise ApiKeyNotFound(api_key_id)
