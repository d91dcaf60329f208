"""The whole history of a project: every version period, open and closed, of the devices that there are.

The whole is in no order, since to sort millions of rows takes longer than to read them; a stretch of devices is in
order, so that it is the same whenever it is read. As text, a blank of a name or a version is the character 3, which
none of them holds: so whoever writes the rows tells moments by their blanks.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any, Final

import attrs

from firmtrail_server.db import Connection, Drain
from firmtrail_server.queries.counted import LABELLED, Labelled


@attrs.frozen(kw_only=True)
class Selection:
    """The periods that were in force between two moments, both included, of a component and of devices with labels.

    None is no limit.
    """

    component: str | None
    labels: str | None
    since: dt.datetime | None
    until: dt.datetime | None

    @property
    def parameters(self) -> dict[str, object]:
        return {**attrs.asdict(self), **Labelled(self.labels).parameters}


@attrs.frozen
class Stretch:
    """The devices after one, up to another."""

    after: uuid.UUID
    last: uuid.UUID


HIDDEN_BLANK: Final = b"\x03"

#: The values are written into the statement, so PostgreSQL drops a condition whose limit is null before it begins: to
#: compare each row with limits that none exceeds takes 5 % of its time.
_SELECTED: Final = """from (
                    select device_id, component, period_id, version, first_reported_at, last_reported_at,
                           superseded_at, report_count, recorded_at, tie_rank
                      from device_firmware_periods
                     where project_id = %(project_id)s
                       and (%(since)s::timestamptz is null or superseded_at > %(since)s)
                     union all
                    select device_id, component, period_id, version, first_reported_at, last_reported_at,
                           null, report_count, recorded_at, tie_rank
                      from device_firmware
                     where project_id = %(project_id)s
                   ) as periods
              join devices
                on devices.id = periods.device_id
               and devices.project_id = %(project_id)s
             where version <> ''
               and (%(after)s::uuid is null or device_id > %(after)s)
               and (%(last)s::uuid is null or device_id <= %(last)s)
               and (%(until)s::timestamptz is null or first_reported_at <= %(until)s)
               and (%(component)s::text is null or component = %(component)s)
               and (%(labels)s::jsonb = '{}'::jsonb or labels @> %(labels)s)
               and (%(label_keys)s::text[] = '{}'::text[] or labels ?& %(label_keys)s)"""
_TEXT: Final = """device_id, replace(devices.name, ' ', e'\\x03') as device_name, component, period_id,
                   replace(version, ' ', e'\\x03') as version, first_reported_at, last_reported_at, superseded_at,
                   report_count, recorded_at"""
_VALUES: Final = """device_id::text as device_id, devices.name as device_name, component,
                   period_id::text as period_id, version, first_reported_at, last_reported_at, superseded_at,
                   report_count, recorded_at"""
_IN_ORDER: Final = "order by periods.device_id, component, periods.first_reported_at, tie_rank"


def copy_rows(conn: Drain, project_id: uuid.UUID, selection: Selection) -> Iterator[tuple[int, bytes]]:
    """Give all rows as text, in no order."""
    return conn.copy(
        f"""
            select {_TEXT}
              {_SELECTED}
            """,
        _parameters(project_id, selection, None),
    )


def copy_rows_of(
    conn: Drain, project_id: uuid.UUID, selection: Selection, stretch: Stretch
) -> Iterator[tuple[int, bytes]]:
    """The same of some devices, in order."""
    return conn.copy(
        f"""
            select {_TEXT}
              {_SELECTED}
             {_IN_ORDER}
            """,
        _parameters(project_id, selection, stretch),
    )


def read_batches(conn: Drain, project_id: uuid.UUID, selection: Selection) -> Iterator[Any]:
    """Give all rows as Arrow's record batches, in no order."""
    return conn.batches(
        f"""
            select {_VALUES}
              {_SELECTED}
            """,
        _parameters(project_id, selection, None),
    )


def read_batches_of(conn: Drain, project_id: uuid.UUID, selection: Selection, stretch: Stretch) -> Iterator[Any]:
    """The same of some devices, in order."""
    return conn.batches(
        f"""
            select {_VALUES}
              {_SELECTED}
             {_IN_ORDER}
            """,
        _parameters(project_id, selection, stretch),
    )


async def find_stretch(
    conn: Connection, project_id: uuid.UUID, selection: Selection, after: uuid.UUID, devices: int
) -> Stretch | None:
    """The stretch of so many devices after one; None: there are no more."""
    cur = await conn.execute(
        f"""
        select id
          from (
                select id
                  from devices
                 where project_id = %(project_id)s
                   and id > %(after)s
                   and {LABELLED}
                 order by id
                 limit %(devices)s
               ) as following
         order by id desc
         limit 1
        """,  # noqa: S608  its parts are literals
        {"project_id": project_id, **selection.parameters, "after": after, "devices": devices},
        prepare=False,
    )
    row = await cur.fetchone()
    return Stretch(after, row[0]) if row else None


def _parameters(project_id: uuid.UUID, selection: Selection, stretch: Stretch | None) -> dict[str, object]:
    bounds = attrs.asdict(stretch) if stretch else {"after": None, "last": None}
    return {"project_id": project_id, **selection.parameters, **bounds}
