"""Exports to read: a project with a history, and what each format holds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import attrs
import httpx
import psycopg

from firmtrail_contract import ARROW_KEY, ARROW_TYPE, CSV_TYPE, NDJSON_TYPE
from firmtrail_contract.moments import format_moment, parse_moment
from tests.server.conftest import Demo

ipc: Any = import_module("pyarrow.ipc")

#: a server loads the libraries of Arrow when the first one asks
_FIRST_ARROW_SECONDS = 60
PATH = "/v1/projects/current/firmware_history"
FORMATS = [NDJSON_TYPE, CSV_TYPE, ARROW_TYPE]
#: what is hard to write in one format or another
VERSIONS = ["1.0", "=1+1", "-1", '1 "two"', "1,2", "1\\2", "\\N", "null", "ü+ß", "'q'", "{a}", "#1"]

Row = dict[str, Any]


@attrs.frozen
class Exported:
    """What an answer holds."""

    rows: list[Row]
    records: list[dict[str, Any]]

    @property
    def end(self) -> dict[str, Any] | None:
        return self.records[-1].get("end")


def fill(database_url: str, demo: Demo, *, devices: int, periods: int) -> None:
    """Register devices, and let each have run so many closed periods, and one that is open."""
    values = {"project_id": demo.project_id, "devices": devices, "periods": periods, "versions": VERSIONS}
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            """
            insert into devices (project_id, name, labels, created_at)
            select %(project_id)s, case when n = 1 then '=cmd()' else 'pump "' || n || '"' end,
                   jsonb_build_object('site', 's' || n %% 3), '2024-01-01'
              from generate_series(1, %(devices)s) as n
            """,
            values,
        )
        conn.execute(
            """
            insert into device_firmware_periods (device_id, first_reported_at, component, period_id, project_id,
                   version, last_reported_at, superseded_at, report_count, recorded_at, tie_rank)
            select id, began, case when n %% 5 = 0 then 'modem' else 'main' end, gen_random_uuid(), project_id,
                   (%(versions)s::text[])[1 + n %% 12], began + interval '1.5 hours', began + interval '1 day',
                   n, began, 0
              from devices, generate_series(1, %(periods)s) as n,
                   lateral (select timestamptz '2025-01-01' + n * interval '1 day' as began) as moments
             where project_id = %(project_id)s and name <> 'Test Device'
            """,
            values,
        )
        conn.execute(
            """
            insert into device_firmware (device_id, component, project_id, period_id, version, first_reported_at,
                   last_reported_at, report_count, recorded_at, tie_rank)
            select id, 'main', project_id, gen_random_uuid(), '9', '2026-05-01', '2026-05-02', 3, '2026-05-01', 0
              from devices where project_id = %(project_id)s and name <> 'Test Device'
            """,
            values,
        )
        conn.execute("analyze")


async def export(http: httpx.AsyncClient, demo: Demo, media_type: str, **query: str) -> Exported:
    headers = {"Accept": media_type}
    answer = await http.get(PATH, auth=demo.project_key, params=query, headers=headers, timeout=_FIRST_ARROW_SECONDS)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == media_type
    return read(media_type, answer.content)


def read(media_type: str, content: bytes) -> Exported:
    """Read an answer by other means than the SDK's."""
    reading = {NDJSON_TYPE: _read_ndjson, CSV_TYPE: _read_csv, ARROW_TYPE: _read_arrow}[media_type]
    return reading(content)


def _read_ndjson(content: bytes) -> Exported:
    lines = [json.loads(line) for line in content.splitlines()]
    return Exported([_plain(line) for line in lines if "device_id" in line], [one for one in lines if len(one) == 1])


def _read_csv(content: bytes) -> Exported:
    lines = content.decode().splitlines(keepends=True)
    records = [json.loads(line[1:]) for line in lines if line.startswith("#")]
    rows = csv.DictReader(io.StringIO("".join(line for line in lines if not line.startswith("#"))))
    return Exported(
        [
            _plain({**row, "report_count": int(row["report_count"]), "superseded_at": row["superseded_at"] or None})
            for row in rows
        ],
        records,
    )


def _read_arrow(content: bytes) -> Exported:
    reader = ipc.open_stream(content)
    records = [json.loads(reader.schema.metadata[ARROW_KEY])]
    rows: list[Row] = []
    for batch, metadata in _batches(reader):
        rows += batch.to_pylist()
        if metadata is not None and ARROW_KEY in metadata:
            records.append(json.loads(metadata[ARROW_KEY]))
    return Exported([_plain(row) for row in rows], records)


def _batches(reader: Any) -> Iterator[Any]:
    while True:
        try:
            yield reader.read_next_batch_with_custom_metadata()
        except StopIteration:
            return


def _plain(row: Row) -> Row:
    """The values of a row as the API writes them."""
    return {name: _moment(value) if name.endswith("_at") and value else value for name, value in row.items()}


def _moment(value: Any) -> str:
    return format_moment(parse_moment(value) if isinstance(value, str) else value)


def in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row["period_id"])
