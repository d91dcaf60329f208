"""When a device's boots started: looked up for many batches at once, and found out when a batch tells of a new one."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping

from firmtrail_contract import AuditAction, ReportBatch
from firmtrail_server.db import Collided, Connection
from firmtrail_server.history.boot_clocks import are_known, find_boots, sent_after
from firmtrail_server.history.boots import Boot
from firmtrail_server.history.clone_detection import RememberedBoot, other_machine
from firmtrail_server.history.timeline import Sender
from firmtrail_server.ingest.first_use import use_key
from firmtrail_server.queries import audit_events, boots, devices, history
from firmtrail_server.queries.audit_events import Actor, Change


def tells_nothing_new(
    sender: Sender, batch: ReportBatch, received_at: dt.datetime, known: Mapping[uuid.UUID, RememberedBoot]
) -> bool:
    """Say whether a batch tells nothing new of the device's boots, so that they are what is remembered of them."""
    sending = known.get(batch.sent.boot_id)
    return (
        sending is not None
        and sending.api_key_id == sender.api_key_id
        and are_known(batch, received_at, known)
        and other_machine(batch.sent, sender.api_key_id, known.values()) is None
    )


async def remember_boots(
    conn: Connection, sender: Sender, actor: Actor, batch: ReportBatch, received_at: dt.datetime
) -> Mapping[uuid.UUID, Boot]:
    """Find the boots that a batch names, and remember those that are new: a retry must find the same.

    Raises:
        SecretUnproved: the key is not alive, or the secret not proved by its digest.
    """
    project_id = await use_key(conn, sender, received_at)
    since = sent_after(batch.sent, received_at)
    listed = await boots.list_remembered(conn, project_id, sender.device_id, batch, since)
    known = {boot.boot_id: boot for boot in listed}
    other = other_machine(batch.sent, sender.api_key_id, known.values())
    if other is not None and (name := await devices.flag_two_machines(conn, project_id, sender.device_id, received_at)):
        details = {"boot_id": str(batch.sent.boot_id), "other_boot_id": str(other.boot_id)}
        change = Change(AuditAction.DEVICE_FOUND_ON_TWO_MACHINES, sender.device_id, name, details)
        await audit_events.insert(conn, project_id, actor, received_at, [change])
    found: Mapping[uuid.UUID, Boot] = known
    if not are_known(batch, received_at, known):
        reported_until = await history.last_reported_at(conn, project_id, sender.device_id)
        found = {boot.boot_id: boot for boot in find_boots(batch, received_at, known, reported_until)}
        await _remember(conn, project_id, sender.device_id, known, found, now=received_at)
    sending = known.get(batch.sent.boot_id)
    if sending is None or sending.api_key_id != sender.api_key_id:
        await boots.update_sender(conn, project_id, sender.device_id, batch.sent.boot_id, sender.api_key_id)
    return found


async def _remember(  # noqa: PLR0913  what is known, and what is found
    conn: Connection,
    project_id: uuid.UUID,
    device_id: uuid.UUID,
    known: Mapping[uuid.UUID, Boot],
    found: Mapping[uuid.UUID, Boot],
    *,
    now: dt.datetime,
) -> None:
    """Store what is new of boots, unless the same device has just told it in another batch: that one has decided."""
    new = [boot for boot_id, boot in found.items() if boot_id not in known]
    moved = [(known[boot_id], boot) for boot_id, boot in found.items() if boot_id in known and boot != known[boot_id]]
    if new and await boots.insert(conn, project_id, device_id, new, now) != len(new):
        raise Collided
    for before, after in moved:
        if not await boots.move(conn, project_id, device_id, before, after):
            raise Collided
