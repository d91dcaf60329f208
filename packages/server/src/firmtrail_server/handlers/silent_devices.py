"""The devices of a project that are silent, or were."""

from __future__ import annotations

import uuid

from firmtrail_contract import Page, SilentDevice, SilentDeviceQuery
from firmtrail_server.db import Connection
from firmtrail_server.http.context import Context
from firmtrail_server.queries import silent_devices


async def list_silent_devices(
    ctx: Context, conn: Connection, project_id: uuid.UUID, query: SilentDeviceQuery
) -> Page[SilentDevice]:
    """Filters add up.

    A device is silent when none of its components has reported for three times its cadence, and for 15 minutes at
    least. The cadence is the interval that it announces, or the mean gap between its reports if that is longer; an hour
    while neither is known. No device is silent within an hour of its registration. The server looks every minute.
    """
    after = silent_devices.KEYSET.position(query, project_id)
    found = await silent_devices.list_silent_devices(conn, project_id, query, after, query.page_size + 1)
    return silent_devices.KEYSET.page(found, query, project_id)
