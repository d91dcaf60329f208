"""The generated fleet, put into the server's own tables: by COPY, then in the order in which its periods closed."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from bench.command import say
from bench.fleet_questions.fleet import Device, Fleet
from bench.fleet_questions.rollouts import moment_of, version_name

#: Indexes are built at once, after the rows; this leaves them as full as they would be had they grown with the rows.
_GROWN = sql.SQL(" with (fillfactor = 70)")
_SAID_EACH = 20_000


def store(url: str, fleet: Fleet) -> None:
    """Fill a database that has the server's tables and nothing in them."""
    with psycopg.connect(url, options="-c maintenance_work_mem=512MB -c work_mem=128MB") as conn:
        _store_drawn(conn, fleet)
        indexes = _without_indexes(conn)
        say("storing closed periods, in the order in which they closed")
        _store_closed(conn)
        say("storing open periods")
        _store_open(conn)
        say("building the indexes")
        for index in indexes:
            conn.execute(index)
    say("vacuum analyze")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("vacuum analyze")
        conn.execute("checkpoint")


def _store_drawn(conn: psycopg.Connection, fleet: Fleet) -> None:
    """Store the projects and devices, and all periods in a table of their own that goes with the connection."""
    conn.execute(
        """
        create temporary table drawn (
            device_id uuid, component text, version text, began int8, ended int8, heard int8, cadence int8
        )
        """
    )
    devices: list[Device] = []
    with conn.cursor().copy("copy drawn from stdin") as copy:
        for number, device in enumerate(_all_devices(fleet), 1):
            copy.write("".join(_lines(device)))
            devices.append(device)
            device.periods.clear()
            if number % _SAID_EACH == 0:
                say(f"{number:,} devices drawn")
    _store_devices(conn, fleet, devices)
    conn.execute("analyze drawn")


def _all_devices(fleet: Fleet) -> Iterator[Device]:
    for project in fleet.projects:
        yield from fleet.devices_of(project)


def _lines(device: Device) -> Iterator[str]:
    """Write its periods as lines of COPY's text format."""
    life = device.life
    for period in device.periods:
        ended = r"\N" if period.superseded_at is None else period.superseded_at
        version = version_name(period.version)
        yield (
            f"{device.id}\t{period.component}\t{version}\t{period.first_reported_at}\t{ended}"
            f"\t{life.heard_at}\t{life.cadence}\n"
        )


def _store_devices(conn: psycopg.Connection, fleet: Fleet, devices: list[Device]) -> None:
    for project in fleet.projects:
        conn.execute(
            "insert into projects (id, name) values (%(id)s, %(name)s)", {"id": project.id, "name": project.name}
        )
    owners = [project.id for project in fleet.projects for _ in range(project.devices)]
    with conn.cursor().copy("copy devices (id, project_id, name, labels, created_at, retired_at) from stdin") as copy:
        for project_id, device in zip(owners, devices, strict=True):
            life = device.life
            moments = (moment_of(life.created_at), life.retired_at and moment_of(life.retired_at))
            copy.write_row((device.id, project_id, device.name, Jsonb(device.labels), *moments))
    conn.execute("analyze devices")


def _without_indexes(conn: psycopg.Connection) -> list[sql.Composed]:
    """Drop the indexes of the closed periods, and return what makes them again."""
    found = conn.execute(
        """
        select pg_index.indexrelid::regclass::text, pg_get_indexdef(pg_index.indexrelid),
               pg_constraint.conname, pg_get_constraintdef(pg_constraint.oid)
          from pg_index
          left join pg_constraint on pg_constraint.conindid = pg_index.indexrelid
         where pg_index.indrelid = 'device_firmware_periods'::regclass
         order by pg_index.indexrelid
        """
    ).fetchall()
    table = sql.SQL("alter table device_firmware_periods ")
    again: list[sql.Composed] = []
    for index, definition, constraint, key in found:
        if constraint:
            name = sql.Identifier(constraint)
            conn.execute(table + sql.SQL("drop constraint {}").format(name))
            again.append(table + sql.SQL("add constraint {} ").format(name) + sql.SQL(key) + _GROWN)
        else:
            conn.execute(sql.SQL("drop index {}").format(sql.Identifier(index)))
            again.append(sql.SQL(definition) + _GROWN)
    return again


def _store_closed(conn: psycopg.Connection) -> None:
    conn.execute(
        """
        insert into device_firmware_periods (
                   device_id, first_reported_at, component, period_id, project_id, version,
                   last_reported_at, superseded_at, report_count, recorded_at, tie_rank
               )
        select device_id, to_timestamp(began), component, gen_random_uuid(), project_id, version,
               to_timestamp(greatest(began, ended - cadence)), to_timestamp(ended),
               1 + (ended - began) / cadence, to_timestamp(began), 0
          from drawn
          join devices on devices.id = device_id
         where ended is not null
         order by ended
        """
    )


def _store_open(conn: psycopg.Connection) -> None:
    conn.execute(
        """
        insert into device_firmware (
                   device_id, component, project_id, period_id, version, first_reported_at, last_reported_at,
                   report_count, recorded_at, tie_rank, heard_at, cadence
               )
        select device_id, component, project_id, gen_random_uuid(), version, to_timestamp(began),
               to_timestamp(greatest(began, heard)), 1 + (heard - began) / cadence, to_timestamp(began), 0,
               to_timestamp(heard), cadence
          from drawn
          join devices on devices.id = device_id
         where ended is null
        """
    )
    conn.execute(
        """
        insert into device_versions (project_id, component, device_id, version, since)
        select project_id, component, device_id, version, first_reported_at
          from device_firmware
        """
    )
