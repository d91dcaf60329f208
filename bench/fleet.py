"""The devices that report, each with a key of its own, put straight into the tables."""

from __future__ import annotations

import datetime as dt
import uuid
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg

from firmtrail_server.auth.credentials import SecretPrefix, hash_secret, new_secret

BIG_DEVICES = 100_000
PERIODS_OF_A_DEVICE = 50


@dataclass(frozen=True)
class Device:
    """A device, and the key it reports with."""

    id: uuid.UUID
    key_id: uuid.UUID
    secret: str = field(repr=False)
    secret_hash: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return f"/v1/devices/{self.id}"

    @property
    def authorization(self) -> str:
        """The header that goes with every report."""
        return basic(self.key_id, self.secret)


def make_fleet(count: int) -> list[Device]:
    """Make devices; hashing their secrets takes about a millisecond each."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(_new_device, range(count)))


def store_fleet(url: str, fleet: list[Device]) -> None:
    """Put a project with this fleet into a database that has the server's tables."""
    with psycopg.connect(url) as conn:
        project_id = _new_project(conn)
        conn.execute(
            """
            insert into devices (id, project_id, name)
            select id, %(project_id)s, 'bench ' || id
              from unnest(%(ids)s::uuid[]) as fleet (id)
            """,
            {"project_id": project_id, "ids": [device.id for device in fleet]},
        )
        conn.execute(
            """
            insert into api_keys (id, project_id, device_id, secret_hash)
            select key_id, %(project_id)s, device_id, secret_hash
              from unnest(%(key_ids)s::uuid[], %(ids)s::uuid[], %(hashes)s::bytea[])
                as fleet (key_id, device_id, secret_hash)
            """,
            {
                "project_id": project_id,
                "key_ids": [device.key_id for device in fleet],
                "ids": [device.id for device in fleet],
                "hashes": [device.secret_hash for device in fleet],
            },
        )
    _checkpoint(url)


def store_history(url: str, devices: int = BIG_DEVICES, periods: int = PERIODS_OF_A_DEVICE) -> None:
    """Give the project of `store_fleet` more devices, up to `devices`, and every device a past of that many periods.

    The past comes in order of time, all devices beside one another, as it would have been reported.
    """
    oldest = dt.datetime.now(dt.UTC) - dt.timedelta(days=periods + 1)
    with psycopg.connect(url) as conn:
        conn.execute(
            """
            insert into devices (project_id, name)
            select projects.id, 'bench ' || n
              from projects, generate_series(1, %(devices)s - (select count(*) from devices)) as n
            """,
            {"devices": devices},
        )
        conn.execute(
            """
            insert into api_keys (project_id, device_id, secret_hash)
            select project_id, id, (select secret_hash from api_keys limit 1)
              from devices
             where not exists (select from api_keys where api_keys.device_id = devices.id)
            """
        )
        conn.execute(
            """
            insert into device_firmware_periods (
                       device_id, first_reported_at, component, period_id, project_id, version,
                       last_reported_at, superseded_at, report_count, recorded_at, tie_rank
                   )
            select devices.id, began, 'main', gen_random_uuid(), project_id, '0.9.' || n,
                   began + interval '23 hours', began + interval '1 day', 24, began, 0
              from (select n, %(oldest)s::timestamptz + n * interval '1 day' as began
                      from generate_series(1, %(periods)s) as n) as days
             cross join devices
             order by n
            """,
            {"oldest": oldest, "periods": periods},
        )
        conn.execute(
            """
            insert into device_firmware (
                       device_id, component, project_id, period_id, version,
                       first_reported_at, last_reported_at, report_count, recorded_at, tie_rank
                   )
            select id, 'main', project_id, gen_random_uuid(), '0.9.0', %(now)s, %(now)s, 1, %(now)s, 0
              from devices
            """,
            {"now": dt.datetime.now(dt.UTC)},
        )
    _checkpoint(url)


def store_viewer(url: str) -> str:
    """Give the project of `store_fleet` a key that may read everything, and return its header line."""
    key_id, secret = uuid.uuid4(), new_secret(SecretPrefix.PROJECT)
    with psycopg.connect(url) as conn:
        conn.execute(
            """
            insert into api_keys (id, project_id, role, secret_hash)
            select %(id)s, id, 'viewer', %(secret_hash)s
              from projects
            """,
            {"id": key_id, "secret_hash": hash_secret(secret)},
        )
    return basic(key_id, secret)


def basic(key_id: uuid.UUID, secret: str) -> str:
    """Make a header line."""
    return f"Authorization: Basic {b64encode(f'{key_id}:{secret}'.encode()).decode()}"


def bearer(token: str) -> str:
    """Make a header line."""
    return f"Authorization: Bearer {token}"


def _new_device(_: int) -> Device:
    secret = new_secret(SecretPrefix.DEVICE)
    return Device(uuid.uuid4(), uuid.uuid4(), secret, hash_secret(secret))


def _new_project(conn: psycopg.Connection) -> uuid.UUID:
    row = conn.execute("insert into projects (name) values ('bench') returning id").fetchone()
    assert row
    return row[0]


def _checkpoint(url: str) -> None:
    """Leave no work of the loading behind for the measuring."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("vacuum analyze")
        conn.execute("checkpoint")
