"""How a device registers itself."""

from __future__ import annotations

import uuid

from firmtrail_contract import AuditAction, Device, EnrolledDevice, Enrollment, NewDevice, OnKnownDevice
from firmtrail_server.db import Connection
from firmtrail_server.errors import DeviceKnown
from firmtrail_server.http.answers import Created
from firmtrail_server.http.context import Context
from firmtrail_server.keys import Terms
from firmtrail_server.queries import api_keys, devices, enrollment_keys
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.registering import register


async def enroll_device(ctx: Context, conn: Connection, body: Enrollment) -> Created[EnrolledDevice] | EnrolledDevice:
    """Register this device, with an enrollment key, and get its own API key. The secret is shown this once.

    A device that is known by its name and its hardware is refused with 409, or gets a new API key while its old ones
    end: the enrollment key says which. When only one of the two is known, it is another device: 409.
    """
    project_id, enrollment_key_id = ctx.principal.project_id, ctx.principal.actor_id
    key = await enrollment_keys.use(conn, project_id, enrollment_key_id, ctx.now())
    known = await _known(conn, project_id, body)
    if known is not None and key.on_known is OnKnownDevice.REFUSE:
        raise DeviceKnown(known.name, known.id)
    new = NewDevice(name=body.name, labels=key.labels, hardware_fingerprint=body.hardware_fingerprint)
    device = await (_without_keys(conn, known) if known else register(conn, project_id, new, ctx.now()))
    terms = Terms(created_by=enrollment_key_id, created_at=ctx.now())
    enrolled = EnrolledDevice(device=device, api_key=await ctx.keys.issue_for_device(conn, device, terms))
    details = {"keys": "replaced"} if known else {}
    await ctx.record(conn, Change(AuditAction.DEVICE_ENROLLED, device.id, device.name, details))
    return enrolled if known else Created(enrolled)


async def _known(conn: Connection, project_id: uuid.UUID, body: Enrollment) -> Device | None:
    """Find the device that has both this name and this hardware."""
    for twin in await devices.find_twins(conn, project_id, body.name, body.hardware_fingerprint):
        if twin.name == body.name and twin.hardware_fingerprint == body.hardware_fingerprint:
            return twin
    return None


async def _without_keys(conn: Connection, device: Device) -> Device:
    """End the keys of a device that gets a new one."""
    await api_keys.delete_of_devices(conn, device.project_id, [device.id])
    await devices.unflag_two_machines(conn, device.project_id, device.id)
    return await devices.get(conn, device.project_id, device.id)
