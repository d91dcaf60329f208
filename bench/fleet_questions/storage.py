"""What the history takes on the disk, beside a table with a row for every report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

#: of the tables and their indexes; those that this schema does not have count nothing
TABLES = ("device_firmware", "device_firmware_periods", "device_versions")
_REPORTS_A_YEAR = 365.25 * 24
_ROWS = 200_000


@dataclass(frozen=True)
class Storage:
    """Bytes, with their indexes."""

    tables: Mapping[str, int]
    #: how long the devices of all projects have reported together
    device_years: float
    components: int
    #: of a table with one row for each report and component
    report_row: float

    @property
    def device_year(self) -> float:
        return sum(self.tables.values()) / self.device_years

    @property
    def reports_device_year(self) -> float:
        """One row an hour for each component."""
        return self.components * _REPORTS_A_YEAR * self.report_row


def storage_of(url: str, device_years: float, components: int) -> Storage:
    """Ask a database how large it is."""
    with psycopg.connect(url) as conn:
        tables = {name: _size(conn, name) for name in TABLES}
        return Storage(tables, device_years, components, _bytes_of_a_report(conn))


def _bytes_of_a_report(conn: psycopg.Connection) -> float:
    """Store some reports as rows, the devices in turn hour after hour, and measure them: heap and primary key."""
    conn.execute(
        """
        create temporary table every_report (
            device_id uuid, component text, reported_at timestamptz, project_id uuid not null, version text not null,
            primary key (device_id, component, reported_at)
        )
        """
    )
    conn.execute(
        """
        insert into every_report
        select device_id, component, first_reported_at, project_id, version
          from device_firmware_periods
         limit %(rows)s
            on conflict do nothing
        """,
        {"rows": _ROWS},
    )
    row = conn.execute("select count(*) from every_report").fetchone()
    assert row
    return _size(conn, "every_report") / max(1, row[0])


def _size(conn: psycopg.Connection, table: str) -> int:
    row = conn.execute(
        "select coalesce(pg_total_relation_size(to_regclass(%(table)s)), 0)", {"table": table}
    ).fetchone()
    assert row
    return row[0]
