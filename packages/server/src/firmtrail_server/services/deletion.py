"""Deleting what may be large: gone for everyone in one transaction, its history swept up in small ones."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.errors import OwnerGone
from firmtrail_server.queries import api_keys, deletions, devices, firmware_changes, firmware_feeds

_DEVICES_AT_ONCE = 100
_PERIODS_AT_ONCE = 1_000
_CHANGES_AT_ONCE = 10_000
_SECONDS_BETWEEN_SWEEPS = 300
#: A report that was being stored when its device was deleted may leave a row. It ends sooner than this, by the limit on
#: statements, and what it left is swept up then.
_IN_FLIGHT = dt.timedelta(minutes=1)


async def remove_devices(
    conn: Connection, project_id: uuid.UUID, device_ids: Sequence[uuid.UUID], now: dt.datetime
) -> None:
    """Delete devices with their keys, what they run now and when they started, and tell the feed.

    Their closed periods are left to the sweeper, with whatever a report leaves that was on its way.
    """
    await api_keys.delete_of_devices(conn, project_id, device_ids)
    await deletions.delete_open_periods(conn, project_id, device_ids)
    await deletions.delete_boots(conn, project_id, device_ids)
    await deletions.delete_agents(conn, project_id, device_ids)
    await deletions.delete_gaps(conn, project_id, device_ids)
    await firmware_changes.insert_removals(conn, project_id, device_ids, now)
    await deletions.mark_history(conn, project_id, device_ids, now)
    await devices.delete(conn, project_id, device_ids)


class Sweeper:
    """Finishes deletions, its own and those that another process began and did not end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._work = asyncio.Event()

    def wake(self) -> None:
        """Say that there is something to sweep."""
        self._work.set()

    async def run(self, clock: Callable[[], dt.datetime]) -> NoReturn:
        """Sweep when woken, and now and then: another process may have left something."""
        while True:
            await self.sweep(clock())
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS_BETWEEN_SWEEPS):
                    await self._work.wait()

    async def sweep(self, now: dt.datetime) -> None:
        """Delete in transactions of bounded size until nothing is left to delete."""
        self._work.clear()
        while await self._sweep_projects(now):
            pass
        while await self._database.run(Transaction.INGEST, _sweep_history, now):
            pass

    async def _sweep_projects(self, now: dt.datetime) -> bool:
        try:
            return await self._database.run(Transaction.WRITE, _sweep_project, now)
        except OwnerGone:  # something was added to the project at this very moment: it goes too
            return True


async def _sweep_project(conn: Connection, now: dt.datetime) -> bool:
    """Take some devices from a deleted project, or the project itself when none is left."""
    project_id = await deletions.find_deleted_project(conn)
    if project_id is None:
        return False
    if device_ids := await deletions.some_devices(conn, project_id, _DEVICES_AT_ONCE):
        await remove_devices(conn, project_id, device_ids, now)
        return True
    for delete in (firmware_feeds.delete_pending, firmware_feeds.delete_numbered):
        if await delete(conn, project_id, _CHANGES_AT_ONCE):
            return True
    await firmware_feeds.delete_feed(conn, project_id)
    await deletions.delete_api_keys(conn, project_id)
    await deletions.delete_members(conn, project_id)
    await deletions.delete_invitations(conn, project_id)
    await deletions.delete_desired_versions(conn, project_id)
    await deletions.delete_project(conn, project_id)
    return True


async def _sweep_history(conn: Connection, now: dt.datetime) -> bool:
    """Delete some closed periods of a device that is gone for a while, and what a report has left of it since."""
    device = await deletions.find_marked(conn, now - _IN_FLIGHT)
    if device is None:
        return False
    project_id, device_id = device.project_id, device.device_id
    if await deletions.delete_open_periods(conn, project_id, [device_id]):
        await firmware_changes.insert_removals(conn, project_id, [device_id], now)
    await firmware_changes.delete_left_of_device(conn, project_id, device_id)
    await deletions.delete_boots(conn, project_id, [device_id])
    await deletions.delete_agents(conn, project_id, [device_id])
    await deletions.delete_gaps(conn, project_id, [device_id])
    deleted = await deletions.delete_closed_periods(conn, project_id, device_id, _PERIODS_AT_ONCE)
    if deleted < _PERIODS_AT_ONCE:
        await deletions.unmark(conn, project_id, device_id)
    return True
