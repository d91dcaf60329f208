"""How PostgreSQL carries out the statements of reports while its statistics still say that tables are empty.

The plan of a prepared statement is kept. One that was made by such statistics read whole tables at each report, for 600
to 2,000 microseconds instead of 20.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, LiteralString

import psycopg
import pytest

from firmtrail_contract import ClockReading, ObservedAtSource, ObservedMoment, ReportBatch
from firmtrail_server.db import Connection, Link, one
from firmtrail_server.history.timeline import Record, Sender
from firmtrail_server.queries import boots, reports
from firmtrail_server.queries.boots import BootLookup
from firmtrail_server.queries.reports import Report

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
_FIRST_WITH_GENERIC_PLAN = 160_000
SENDER = Sender(uuid.uuid4(), uuid.uuid4(), b"digest")

A_FLEET = b"""
with project as (insert into projects (name) values ('Pumps') returning id),
device as (
    insert into devices (project_id, name) select id, 'pump ' || number from project, generate_series(1, 500) as number
    returning id, project_id
),
key as (
    insert into api_keys (project_id, device_id, secret_hash) select project_id, id, '\\x00' from device
),
boot as (
    insert into device_boots (device_id, boot_id, project_id, started_at, source, recorded_at)
    select id, id, project_id, now(), 'device', now() from device
)
insert into device_firmware (device_id, component, project_id, period_id, version, first_reported_at, last_reported_at,
                             report_count, recorded_at, tie_rank)
select id, 'main', project_id, id, '1.0', now(), now(), 1, now(), 0 from device
"""

A_DEVICE_OF_MANY_BOOTS = """
with project as (insert into projects (name) values ('Pumps') returning id),
device as (insert into devices (project_id, name) select id, 'pump' from project returning id, project_id),
boot as (
    insert into device_boots (device_id, boot_id, project_id, started_at, source, recorded_at)
    select id, lpad(to_hex(number), 32, '0')::uuid, project_id, started_at, 'device', started_at
      from device, generate_series(1, 2000) as number,
           lateral (select timestamptz '2026-01-01Z' + number * interval '1 hour') as boot (started_at)
)
select id, project_id from device
"""


class Told(Exception):
    """A statement, in the place of its rows."""


class Listening(Link):
    """Tells which statement it was asked to run."""

    def __init__(self) -> None:
        """Connect to nothing."""

    async def run(self, statement: LiteralString, parameters: Mapping[str, str]) -> list[Any]:
        raise Told(statement)


async def extend(link: Link) -> object:
    at = ObservedMoment(at=NOW, source=ObservedAtSource.DEVICE)
    return await reports.extend_histories(link, [Report(SENDER, NOW, Record(at, at, [("main", "1.0")]))])


async def extend_alone(link: Link) -> object:
    at = ObservedMoment(at=NOW, source=ObservedAtSource.DEVICE)
    return await reports.extend_period(link, Report(SENDER, NOW, Record(at, at, [("main", "1.0")])))


async def look_up(link: Link) -> object:
    sent = ClockReading(boot_id=uuid.uuid4(), boot_sequence=1, boot_time_ms=60_000)
    return await boots.find_named(link, [BootLookup(SENDER, NOW, ReportBatch(sent=sent, records=[]))])


@pytest.mark.parametrize("query", [extend, extend_alone, look_up])
async def test_reports_find_rows_by_key_despite_stale_statistics(
    query: Callable[[Link], Awaitable[object]], database_url: str
) -> None:
    with pytest.raises(Told) as told:
        await query(Listening())
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("analyze")
        conn.execute(A_FLEET)
        if conn.info.server_version < _FIRST_WITH_GENERIC_PLAN:
            pytest.skip("PostgreSQL shows the plan of a prepared statement from version 16 on")
        plan = conn.execute(f"explain (generic_plan) {numbered(str(told.value))}".encode()).fetchall()

    scanned = re.findall(r"Seq Scan on (\w+)", "\n".join(line for (line,) in plan))
    assert [table for table in scanned if table != "projects"] == []  # of which it wants the few that are deleted


@pytest.mark.parametrize("query", [extend, look_up])
async def test_a_boot_is_not_looked_for_among_all_boots_of_its_device(
    query: Callable[[Link], Awaitable[object]], database_url: str
) -> None:
    with pytest.raises(Told) as told:
        await query(Listening())
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(A_FLEET)
        conn.execute("analyze")
        for way in ("seqscan", "hashjoin", "mergejoin", "bitmapscan"):  # as Link does
            conn.execute(f"set enable_{way} = off".encode())
        if conn.info.server_version < _FIRST_WITH_GENERIC_PLAN:
            pytest.skip("PostgreSQL shows the plan of a prepared statement from version 16 on")
        plan = conn.execute(f"explain (generic_plan) {numbered(str(told.value))}".encode()).fetchall()

    conditions = re.findall(
        r"Scan using \w+ on device_boots.*\n *Index Cond: (.*)", "\n".join(line for (line,) in plan)
    )
    assert conditions
    assert [one for one in conditions if "boot_id" not in one and "recorded_at" not in one] == []


async def test_the_boots_of_a_device_are_read_once_at_most_to_place_a_new_one(database_url: str) -> None:
    """Those of the same number are looked for among all, and what else is looked for by a key."""
    async with await Connection.connect(database_url) as conn:
        device_id, project_id = await one(await conn.execute(A_DEVICE_OF_MANY_BOOTS))
        await conn.execute("analyze device_boots")
        await conn.commit()
        sent = ClockReading(boot_id=uuid.UUID(int=2000), boot_sequence=1, boot_time_ms=60_000)
        found = await boots.list_remembered(conn, project_id, device_id, ReportBatch(sent=sent, records=[]), NOW)
        cur = await conn.execute(
            "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'device_boots'"
        )

        assert {boot.boot_id.int for boot in found} == {1999, 2000}
        assert (await one(cur))[0] < 2100


def numbered(statement: str) -> str:
    """The statement as PostgreSQL takes it, its parameters numbered."""
    names = dict.fromkeys(re.findall(r"%\((\w+)\)s", statement))
    for number, name in enumerate(names, 1):
        statement = statement.replace(f"%({name})s", f"${number}")
    return statement
