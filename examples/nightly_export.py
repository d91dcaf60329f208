"""A nightly export: what every device runs, and how many run each version, as Parquet files of a day.

Settings: FIRMTRAIL_URL and FIRMTRAIL_API_KEY (a viewer's does); EXPORT_DIR; EXPORT_DATE, a day that has passed
(yesterday, if it is missing); EXPORT_LABELS, labels that get a column each ("site,model"). It needs firmtrail[arrow].

    DIR/date=2026-05-03/versions.parquet    a row a version
    DIR/date=2026-05-03/devices.parquet     a row a device, its versions as a list
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from firmtrail import Client, FirmtrailError


def export(client: Client, folder: Path, day: dt.date, labels: list[str]) -> None:
    """Write the files of one day. Each is whole or is not there, so that a job that died can be run again."""
    target = folder / f"date={day}"
    target.mkdir(parents=True, exist_ok=True)
    write(client.fleet.versions(at=day).to_arrow(), target / "versions.parquet")
    write(client.devices.list(at=day).to_arrow(labels=labels), target / "devices.parquet")


def write(table: pa.Table, file: Path) -> None:
    """Write a file under another name first."""
    unfinished = file.with_suffix(".unfinished")
    parquet.write_table(table, unfinished)  # pyright: ignore[reportUnknownMemberType]  its types are incomplete
    unfinished.replace(file)
    print(f"{file}: {table.num_rows:,} rows")


def main() -> int:
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    day = dt.date.fromisoformat(os.environ.get("EXPORT_DATE") or str(yesterday))
    labels = [label for label in os.environ.get("EXPORT_LABELS", "").split(",") if label]
    try:
        with Client() as client:
            export(client, Path(os.environ["EXPORT_DIR"]), day, labels)
    except (FirmtrailError, OSError) as error:
        print(f"nightly export: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
