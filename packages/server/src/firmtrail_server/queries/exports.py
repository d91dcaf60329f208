"""The whole history of a project: every version period, open and closed, of the devices that there are.

The whole is in no order, since to sort millions of rows takes longer than to read them; a stretch of devices is in
order, so that it is the same whenever it is read. As text, a blank of a name or a version is the character 3, and a
quotation mark around a key the character 5, which none of them holds. So whoever writes the rows tells moments by their
blanks, and sees at once whether any name or version has a quotation mark.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any, Final

import attrs

from firmtrail_server.db import Connection, Drain
from firmtrail_server.db.keyset import HIGHEST_ID, LOWEST_ID
from firmtrail_server.queries.counted import LABELLED, Labelled


@attrs.frozen(kw_only=True)
class Selection:
    """The periods that were in force between two moments, both included, of a component and of devices with labels."""

    component: str | None
    labels: str | None
    since: dt.datetime
    until: dt.datetime

    @property
    def parameters(self) -> dict[str, object]:
        return {**attrs.asdict(self), **Labelled(self.labels).parameters}


@attrs.frozen
class Stretch:
    """The devices after one, up to another: all of them, if nothing is said."""

    after: uuid.UUID = LOWEST_ID
    last: uuid.UUID = HIGHEST_ID


HIDDEN_BLANK: Final = b"\x03"
HIDDEN_QUOTE: Final = b"\x05"
#: what NDJSON has around `superseded_at`, which is null while a period is open
_OF_CLOSED: Final = """e':00\\x05,\\x05superseded_at\\x05:\\x05' as superseded_key,
                           e':00\\x05,\\x05report_count\\x05:' as count_key"""
_OF_OPEN: Final = """e':00\\x05,\\x05superseded_at\\x05:null' as superseded_key,
                           e',\\x05report_count\\x05:' as count_key"""
_SELECTED: Final = f"""from (
                    select device_id, component, period_id, version, first_reported_at, last_reported_at,
                           superseded_at, report_count, recorded_at, tie_rank, {_OF_CLOSED}
                      from device_firmware_periods
                     where project_id = %(project_id)s
                       and superseded_at > %(since)s
                     union all
                    select device_id, component, period_id, version, first_reported_at, last_reported_at,
                           null, report_count, recorded_at, tie_rank, {_OF_OPEN}
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
               and (%(labels)s::jsonb = '{{}}'::jsonb or labels @> %(labels)s)
               and (%(label_keys)s::text[] = '{{}}'::text[] or labels ?& %(label_keys)s)"""  # noqa: S608  its parts are literals of this file
_NAME: Final = "replace(devices.name, ' ', e'\\x03') as device_name"
_VERSION: Final = "replace(version, ' ', e'\\x03') as version"
_CSV: Final = f"""device_id, {_NAME}, component, period_id, {_VERSION}, first_reported_at, last_reported_at,
                   superseded_at, report_count, recorded_at"""
_NDJSON: Final = f"""device_id, e'\\x05,\\x05device_name\\x05:\\x05' as name_key, {_NAME},
                   e'\\x05,\\x05component\\x05:\\x05' as component_key, component,
                   e'\\x05,\\x05period_id\\x05:\\x05' as period_key, period_id,
                   e'\\x05,\\x05version\\x05:\\x05' as version_key, {_VERSION},
                   e'\\x05,\\x05first_reported_at\\x05:\\x05' as first_key, first_reported_at,
                   e':00\\x05,\\x05last_reported_at\\x05:\\x05' as last_key, last_reported_at,
                   superseded_key, superseded_at, count_key, report_count,
                   e',\\x05recorded_at\\x05:\\x05' as recorded_key, recorded_at"""
_VALUES: Final = """device_id::text as device_id, devices.name as device_name, component,
                   period_id::text as period_id, version, first_reported_at, last_reported_at, superseded_at,
                   report_count, recorded_at"""
_IN_ORDER: Final = "order by periods.device_id, component, periods.first_reported_at, tie_rank"


def copy_csv(conn: Drain, project_id: uuid.UUID, selection: Selection) -> Iterator[tuple[int, bytes]]:
    """Give all rows as text, in no order."""
    return conn.copy(
        f"""
            select {_CSV}
              {_SELECTED}
            """,
        _parameters(project_id, selection, Stretch()),
    )


def copy_csv_of(
    conn: Drain, project_id: uuid.UUID, selection: Selection, stretch: Stretch
) -> Iterator[tuple[int, bytes]]:
    """The same of some devices, in order."""
    return conn.copy(
        f"""
            select {_CSV}
              {_SELECTED}
             {_IN_ORDER}
            """,
        _parameters(project_id, selection, stretch),
    )


def copy_ndjson(conn: Drain, project_id: uuid.UUID, selection: Selection) -> Iterator[tuple[int, bytes]]:
    """Give all rows as text, with what an object has between its values in columns of their own, in no order."""
    return conn.copy(
        f"""
            select {_NDJSON}
              {_SELECTED}
            """,
        _parameters(project_id, selection, Stretch()),
    )


def copy_ndjson_of(
    conn: Drain, project_id: uuid.UUID, selection: Selection, stretch: Stretch
) -> Iterator[tuple[int, bytes]]:
    """The same of some devices, in order."""
    return conn.copy(
        f"""
            select {_NDJSON}
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
        _parameters(project_id, selection, Stretch()),
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


def _parameters(project_id: uuid.UUID, selection: Selection, stretch: Stretch) -> dict[str, object]:
    return {"project_id": project_id, **selection.parameters, **attrs.asdict(stretch)}
