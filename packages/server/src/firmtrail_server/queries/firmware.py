"""What components run and ran, read back."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract import VersionPeriod
from firmtrail_server.db import Connection, rows

#: where an open period stands among others, which are ordered by their ends
NO_END = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


@attrs.frozen(kw_only=True)
class HistoryPosition:
    """Where in a device's history a page ended."""

    first_reported_at: dt.datetime
    component: str
    superseded_at: dt.datetime
    recorded_at: dt.datetime
    id: uuid.UUID

    @classmethod
    def of(cls, period: VersionPeriod) -> HistoryPosition:
        return cls(
            first_reported_at=period.first_reported_at,
            component=period.component,
            superseded_at=period.superseded_at or NO_END,
            recorded_at=period.recorded_at,
            id=period.id,
        )


_LONG_AGO = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
BEGINNING = HistoryPosition(
    first_reported_at=_LONG_AGO, component="", superseded_at=_LONG_AGO, recorded_at=_LONG_AGO, id=uuid.UUID(int=0)
)


async def list_periods(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, after: HistoryPosition, limit: int
) -> list[VersionPeriod]:
    """A device's version periods, of all its components, by their first report."""
    async with conn.cursor(row_factory=rows(VersionPeriod)) as cur:
        await cur.execute(
            """
            select period_id as id, component, version, first_reported_at, last_reported_at, report_count,
                   superseded_at, recorded_at
              from (
                    select project_id, device_id, period_id, component, version, first_reported_at, last_reported_at,
                           report_count, superseded_at, recorded_at, superseded_at as ends_at
                      from device_firmware_periods
                     union all
                    select project_id, device_id, period_id, component, version, first_reported_at, last_reported_at,
                           report_count, null, recorded_at, %(no_end)s::timestamptz
                      from device_firmware
                   ) as periods
             where project_id = %(project_id)s
               and device_id = %(device_id)s
               and (first_reported_at, component, ends_at, recorded_at, period_id)
                   > (%(first_reported_at)s, %(component)s, %(superseded_at)s, %(recorded_at)s, %(id)s)
             order by first_reported_at, component, ends_at, recorded_at, period_id
             limit %(limit)s
            """,
            {
                "project_id": project_id,
                "device_id": device_id,
                "limit": limit,
                "no_end": NO_END,
                **attrs.asdict(after),
            },
        )
        return await cur.fetchall()
