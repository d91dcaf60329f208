"""What a migration fills in: in batches, each a transaction of its own, so that nothing waits for all of it.

It is done after the statements of the migration and before it is marked as applied. So it may begin again after a kill,
and whoever reads what it fills in is a server that starts when the migration is marked.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, LiteralString

import attrs
from psycopg.rows import dict_row

from firmtrail_server.db.schema.connecting import connect

#: some 20 ms of the database
_ROWS = 2_000


@attrs.frozen(kw_only=True)
class Filling:
    """A statement that goes through a table by its key."""

    #: takes `rows` and the key after which it begins; returns the last key of its rows, and nothing at the end
    statement: LiteralString
    #: before the first key
    start: Mapping[str, Any]


FILLINGS: Final[dict[str, Filling]] = {
    "0029.device_versions": Filling(
        start={"device_id": uuid.UUID(int=0), "component": ""},
        # A row that a report has written meanwhile stays as it is.
        statement="""
            with batch as (
                select project_id, component, device_id, version, first_reported_at
                  from device_firmware
                 where (device_id, component) > (%(device_id)s, %(component)s)
                 order by device_id, component
                 limit %(rows)s
            ), stored as (
                insert into device_versions (project_id, component, device_id, version, since)
                select project_id, component, device_id, version, first_reported_at
                  from batch
                    on conflict (project_id, component, device_id) do nothing
            )
            select device_id, component
              from batch
             order by device_id desc, component desc
             limit 1
        """,
    )
}


def fill_in(database_url: str, migration_id: str, before_each: Callable[[], None]) -> None:
    """Fill in what a migration has made room for, if anything.

    Raises:
        DatabaseNotReachable, psycopg.Error: it is not all done, and may be begun again.
    """
    filling = FILLINGS.get(migration_id)
    if filling is None:
        return
    with connect(database_url) as conn, conn.cursor(row_factory=dict_row) as cursor:
        last: Mapping[str, Any] | None = filling.start
        while last is not None:
            before_each()
            after = {**last, "rows": _ROWS}
            last = cursor.execute(filling.statement, after).fetchone()  # allow unreadable: one of FILLINGS
