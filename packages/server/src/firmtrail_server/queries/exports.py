"""The whole history of a project: every version period, open and closed, of the devices that there are.

As text, moments are what JSON has; Arrow takes values as they are. The whole is in no order, since to sort millions of
rows takes longer than to read them; a stretch of devices is in order, so that it is the same whenever it is read.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any, Final

import attrs
from psycopg.types.json import Jsonb

from firmtrail_contract import parse_label_filter
from firmtrail_server.db import Connection, Drain
from firmtrail_server.db.keyset import HIGHEST_ID, LOWEST_ID


@attrs.frozen(kw_only=True)
class Selection:
    """The periods that were in force between two moments, both included, of a component and of devices with labels."""

    component: str | None
    labels: str | None
    since: dt.datetime
    until: dt.datetime

    @property
    def parameters(self) -> dict[str, object]:
        labels, label_keys = parse_label_filter(self.labels) if self.labels else ({}, [])
        return {**attrs.asdict(self), "labels": Jsonb(labels), "label_keys": label_keys}


@attrs.frozen
class Stretch:
    """The devices after one, up to another: all of them, if nothing is said."""

    after: uuid.UUID = LOWEST_ID
    last: uuid.UUID = HIGHEST_ID


_SELECTED: Final = """from (
                    select device_id, component, period_id, version, first_reported_at, last_reported_at,
                           superseded_at, report_count, recorded_at, tie_rank
                      from device_firmware_periods
                     where project_id = %(project_id)s
                       and superseded_at > %(since)s
                     union all
                    select device_id, component, period_id, version, first_reported_at, last_reported_at,
                           null, report_count, recorded_at, tie_rank
                      from device_firmware
                     where project_id = %(project_id)s
                   ) as periods
              join devices
                on devices.id = periods.device_id
               and devices.project_id = %(project_id)s
             where device_id > %(after)s
               and device_id <= %(last)s
               and first_reported_at <= %(until)s
               and version <> ''
               and (%(component)s::text is null or component = %(component)s)
               and labels @> %(labels)s
               and (%(label_keys)s::text[] = '{}'::text[] or labels ?& %(label_keys)s)"""
_TEXT: Final = """device_id, devices.name as device_name, component, period_id, version,
                   to_json(first_reported_at) as first_reported_at, to_json(last_reported_at) as last_reported_at,
                   to_json(superseded_at) as superseded_at, report_count, to_json(recorded_at) as recorded_at"""
_VALUES: Final = """device_id::text as device_id, devices.name as device_name, component,
                   period_id::text as period_id, version, first_reported_at, last_reported_at, superseded_at,
                   report_count, recorded_at"""
_IN_ORDER: Final = "order by periods.device_id, component, periods.first_reported_at, tie_rank"


def copy_all(conn: Drain, project_id: uuid.UUID, selection: Selection) -> Iterator[tuple[int, bytes]]:
    """Give all rows as text, in no order."""
    return conn.copy(
        f"""
            select {_TEXT}
              {_SELECTED}
            """,
        _parameters(project_id, selection, Stretch()),
    )


def copy_stretch(
    conn: Drain, project_id: uuid.UUID, selection: Selection, stretch: Stretch
) -> Iterator[tuple[int, bytes]]:
    """Give the rows of some devices as text, in order."""
    return conn.copy(
        f"""
            select {_TEXT}
              {_SELECTED}
             {_IN_ORDER}
            """,
        _parameters(project_id, selection, stretch),
    )


def read_all(conn: Drain, project_id: uuid.UUID, selection: Selection) -> Iterator[Any]:
    """Give all rows as Arrow's record batches, in no order."""
    return conn.batches(
        f"""
            select {_VALUES}
              {_SELECTED}
            """,
        _parameters(project_id, selection, Stretch()),
    )


def read_stretch(conn: Drain, project_id: uuid.UUID, selection: Selection, stretch: Stretch) -> Iterator[Any]:
    """Give the rows of some devices as Arrow's record batches, in order."""
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
        """
        select id
          from (
                select id
                  from devices
                 where project_id = %(project_id)s
                   and id > %(after)s
                   and labels @> %(labels)s
                   and (%(label_keys)s::text[] = '{}'::text[] or labels ?& %(label_keys)s)
                 order by id
                 limit %(devices)s
               ) as following
         order by id desc
         limit 1
        """,
        {"project_id": project_id, **selection.parameters, "after": after, "devices": devices},
        prepare=False,
    )
    row = await cur.fetchone()
    return Stretch(after, row[0]) if row else None


def _parameters(project_id: uuid.UUID, selection: Selection, stretch: Stretch) -> dict[str, object]:
    return {"project_id": project_id, **selection.parameters, **attrs.asdict(stretch)}
