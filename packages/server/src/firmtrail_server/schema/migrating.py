"""Migrations: yoyo applies them, one process at a time.

yoyo applies a migration and marks it as applied in two transactions, so one that was interrupted between them runs
again: every migration is idempotent.
"""
# yoyo has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import yoyo
from yoyo.migrations import MigrationList

from firmtrail_server.db import Connection
from firmtrail_server.schema.errors import MigrationFailed
from firmtrail_server.schema.lease import Lease, connect

MIGRATIONS = Path(__file__).parent.parent / "migrations"
LEASE_SECONDS = 30.0
WAIT_SECONDS = 300.0


def migrate(
    database_url: str,
    *,
    folder: Path = MIGRATIONS,
    lease_seconds: float = LEASE_SECONDS,
    wait_seconds: float = WAIT_SECONDS,
) -> list[str]:
    """Apply what is pending and return its ids. Waits while another process migrates.

    Raises:
        SchemaError: the database does not answer, another process does not finish, or a migration fails.
    """
    connect(database_url).close()
    lease = Lease(database_url, lease_seconds)
    with lease.held(wait_seconds), _backend(database_url) as backend:
        pending = backend.to_apply(yoyo.read_migrations(str(folder)))
        return [_one(lease, backend.apply_migrations, migration) for migration in pending]


def roll_back(database_url: str, *, folder: Path = MIGRATIONS) -> list[str]:
    """Undo every migration, newest first, and return their ids. All data goes with the tables."""
    connect(database_url).close()
    lease = Lease(database_url, LEASE_SECONDS)
    with lease.held(WAIT_SECONDS), _backend(database_url) as backend:
        applied = backend.to_rollback(yoyo.read_migrations(str(folder)))
        return [_one(lease, backend.rollback_migrations, migration) for migration in applied]


async def pending_migrations(conn: Connection, folder: Path = MIGRATIONS) -> list[str]:
    """List the migrations of this server that the database lacks. Later ones that it has do no harm."""
    needed = _shipped(folder)
    found = await conn.execute("select to_regclass('_yoyo_migration') is not null")
    if await found.fetchone() != (True,):
        return needed
    rows = await conn.execute("select migration_id from _yoyo_migration")
    applied = {row[0] for row in await rows.fetchall()}
    return [migration_id for migration_id in needed if migration_id not in applied]


def _shipped(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.sql") if not path.stem.endswith(".rollback"))


def _backend(database_url: str) -> Any:
    """Connect yoyo, and break the lock that a dead process may have left: the lease is ours."""
    backend = yoyo.get_backend("postgresql+psycopg://" + database_url.partition("://")[2])
    backend.break_lock()
    return backend


def _one(lease: Lease, work: Any, migration: Any) -> str:
    lease.check()
    try:
        work(MigrationList([migration]))
    except psycopg.Error as error:
        raise MigrationFailed(migration.id, str(error).partition("\n")[0]) from error
    return migration.id
