"""How a device registers itself."""

from __future__ import annotations

import datetime as dt
import math
import uuid

from firmtrail_contract import (
    AuditAction,
    Device,
    EnrolledDevice,
    Enrollment,
    EnrollmentKey,
    NewDevice,
    OnKnownDevice,
    format_moment,
    is_filler_identity,
)
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.errors import (
    ApiKeyNotFound,
    Conflict,
    DeviceKnown,
    DeviceKnownByHalf,
    DeviceRetired,
    DeviceStillReports,
    FingerprintOfMany,
)
from firmtrail_server.http.context import Context
from firmtrail_server.http.results import Created
from firmtrail_server.queries import api_keys, devices, enrollment_keys
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.services.api_keys import Terms

_REFUSED = AuditAction.DEVICE_ENROLLMENT_REFUSED


async def enroll_device(ctx: Context, body: Enrollment) -> Created[EnrolledDevice] | EnrolledDevice:
    """The secret is shown this once.

    A device that is known by its name and its hardware is refused with 409, or gets a new API key while its old ones
    end: the enrollment key says which, and for how long the device must have been quiet before. When only one of the
    two is known, it is another device: 409, and the answer does not say which one. What is refused so is a use of the
    enrollment key and an event of the audit trail. A fingerprint that makers write into many machines, such as
    `To be filled by O.E.M.`, is refused with 422.

    Safe to repeat when the answer was lost: until the new API key is used for the first time, the same device may
    enroll again with the same enrollment key. It gets another API key, and the one that was lost ends. That is not
    counted as a use of the enrollment key.
    """
    if is_filler_identity(body.hardware_fingerprint):
        raise FingerprintOfMany
    enrolled = await ctx.run(Transaction.WRITE, _enroll, ctx, body)
    if isinstance(enrolled, Conflict):  # after the commit: it is counted and recorded
        raise enrolled
    return enrolled


async def _enroll(
    conn: Connection, ctx: Context, body: Enrollment
) -> Created[EnrolledDevice] | EnrolledDevice | Conflict:
    project_id, enrollment_key_id = ctx.principal.project_id, ctx.principal.actor_id
    key = await enrollment_keys.get(conn, project_id, enrollment_key_id)
    if key.expires_at <= ctx.now():
        raise ApiKeyNotFound(key.id)  # it has ended since it was checked
    twins = await devices.find_twins(conn, project_id, body.name, body.hardware_fingerprint)
    known = next((twin for twin in twins if _is_same(twin, body)), None)
    if known and await _has_lost_its_answer(conn, known, enrollment_key_id):
        return await _give_key(conn, ctx, known, {"keys": "replaced", "replaced_key": "unused"})
    await enrollment_keys.use(conn, project_id, enrollment_key_id)
    heard_at = await devices.last_heard_at(conn, project_id, known.id) if known else None
    refused = _refusal(twins, known, key, _silence(heard_at, ctx.now()))
    if refused is not None:
        asked = {"name": body.name, "hardware_fingerprint": body.hardware_fingerprint}
        if isinstance(refused, DeviceStillReports):
            asked["reason"] = "it still reports"
        await ctx.audit(conn, *(Change(_REFUSED, twin.id, twin.name, asked) for twin in twins))
        return refused
    new = NewDevice(name=body.name, labels=key.labels, hardware_fingerprint=body.hardware_fingerprint)
    device = await (_without_keys(conn, known) if known else devices.insert(conn, project_id, new, ctx.now()))
    details = {"keys": "replaced"} if known else {}
    if known and device.last_reported_at:
        details["last_reported_at"] = format_moment(device.last_reported_at)  # a device that is in use, perhaps
    enrolled = await _give_key(conn, ctx, device, details)
    return enrolled if known else Created(enrolled)


async def _has_lost_its_answer(conn: Connection, known: Device, enrollment_key_id: uuid.UUID) -> bool:
    """Whether this machine enrolled with the same key before, and the API key that it got was never used.

    Then that key ends here: two who ask at once do not both get one.
    """
    device = await devices.get(conn, known.project_id, known.id)
    if device.last_reported_at is not None:
        return False
    return await api_keys.delete_unused(conn, device.project_id, device.id, enrollment_key_id) == 1


async def _give_key(conn: Connection, ctx: Context, device: Device, details: dict[str, str]) -> EnrolledDevice:
    terms = Terms(created_by=ctx.principal.actor_id, created_at=ctx.now(), is_unused=True)
    enrolled = EnrolledDevice(device=device, api_key=await ctx.keys.issue_for_device(conn, device, terms))
    await ctx.audit(conn, Change(AuditAction.DEVICE_ENROLLED, device.id, device.name, details))
    return enrolled


def _is_same(twin: Device, body: Enrollment) -> bool:
    return twin.name == body.name and twin.hardware_fingerprint == body.hardware_fingerprint


def _silence(heard_at: dt.datetime | None, now: dt.datetime) -> float:
    """For how many seconds a device has been quiet."""
    return math.inf if heard_at is None else (now - heard_at).total_seconds()


def _refusal(twins: list[Device], known: Device | None, key: EnrollmentKey, silence_seconds: float) -> Conflict | None:
    if known is None:
        return DeviceKnownByHalf() if twins else None
    if key.on_known is OnKnownDevice.REFUSE:
        return DeviceKnown(known.name, known.id)
    if known.retired_at is not None:
        return DeviceRetired(known.id)
    if key.min_silence_seconds is not None and silence_seconds < key.min_silence_seconds:
        return DeviceStillReports(known.id, key.min_silence_seconds)
    return None


async def _without_keys(conn: Connection, device: Device) -> Device:
    """End the keys of a device that gets a new one."""
    await api_keys.delete_of_devices(conn, device.project_id, [device.id])
    await devices.unflag_two_machines(conn, device.project_id, device.id)
    return await devices.get(conn, device.project_id, device.id)
