"""Migrations: yoyo applies them, one process at a time.

yoyo applies a migration and marks it as applied in two transactions, so one that was interrupted between them runs
again: every migration is idempotent.
"""
# yoyo has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import glob
import random
import time
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from textwrap import dedent
from typing import Any

import psycopg
import yoyo

from firmtrail_server.db import Connection
from firmtrail_server.db.schema.backend import Backend, open_backend
from firmtrail_server.db.schema.batches import FILLINGS, fill_in
from firmtrail_server.db.schema.errors import LockNotGiven, MigrationFailed, MigrationNotFound, explained
from firmtrail_server.db.schema.lease import Lease
from firmtrail_server.db.schema.vacuuming import vacuum_often

MIGRATIONS = Path(__file__).parents[2] / "migrations"
LEASE_SECONDS = 30.0
WAIT_SECONDS = 300.0
#: between two attempts to get a lock; reports that wait behind an attempt go on meanwhile
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 2.0


def _silently(_what: str) -> None:
    """Report nothing."""


def migrate(
    database_url: str,
    *,
    folder: Path = MIGRATIONS,
    lease_seconds: float = LEASE_SECONDS,
    wait_seconds: float = WAIT_SECONDS,
    report: Callable[[str], None] = _silently,
) -> list[str]:
    """Apply what is pending and return its ids. Waits while another process migrates.

    A migration that does not get its lock within a second stands back and tries again: whoever waits for a lock holds
    up all who come after. `wait_seconds` is the longest wait for the other process, and for the locks of each
    migration.
    `report` is told what happens as it happens, in a few words.

    Raises:
        SchemaError: the database does not answer, another process does not finish, or a migration fails.
    """
    lease = Lease(database_url, lease_seconds)
    with explained(), lease.held(wait_seconds, report), open_backend(database_url) as backend:
        done: list[str] = []
        for migration in backend.to_apply(_read(folder)):
            report(f"applying {migration.id}")
            done.append(_one(lease, lambda one: _apply(database_url, lease, backend, one), migration, wait_seconds))
        vacuum_often(database_url)
        return done


def roll_back(database_url: str, *, down_to: str | None = None, folder: Path = MIGRATIONS) -> list[str]:
    """Undo every migration after `down_to`, newest first, and return their ids. Their data goes with them.

    Raises:
        SchemaError: see `migrate`.
        MigrationNotFound: `down_to` is not applied.
    """
    lease = Lease(database_url, LEASE_SECONDS)
    with explained(), lease.held(WAIT_SECONDS, _silently), open_backend(database_url) as backend:
        applied = list(backend.to_rollback(_read(folder)))
        if down_to is not None and down_to not in [migration.id for migration in applied]:
            raise MigrationNotFound(down_to)
        undone = takewhile(lambda migration: migration.id != down_to, applied)
        return [_one(lease, backend.rollback_one, migration, WAIT_SECONDS) for migration in undone]


def plan_of(migration_id: str, folder: Path = MIGRATIONS) -> str:
    """Write what a migration would do, as SQL."""
    text = (folder / f"{migration_id}.sql").read_text(encoding="utf-8").strip()
    if filling := FILLINGS.get(migration_id):
        text += f"\n\nand in batches, by key:\n{dedent(filling.statement).strip()}".replace("\n", "\n-- ")
    return f"-- {migration_id}\n{text}\n"


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


def _read(folder: Path) -> Any:
    return yoyo.read_migrations(glob.escape(str(folder)))  # it takes a pattern


def _apply(database_url: str, lease: Lease, backend: Backend, migration: Any) -> None:
    backend.apply_one(migration, mark=False)
    fill_in(database_url, migration.id, lease.check)
    with backend.transaction():
        backend.mark_one(migration, log=False)


def _one(lease: Lease, work: Callable[[Any], None], migration: Any, wait_seconds: float) -> str:
    deadline = time.monotonic() + wait_seconds
    while True:
        lease.check()
        try:
            work(migration)
        except psycopg.errors.LockNotAvailable as error:
            if time.monotonic() > deadline:
                raise LockNotGiven(migration.id, wait_seconds) from error
            time.sleep(random.uniform(_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS))  # noqa: S311  hides nothing
        except psycopg.Error as error:
            raise MigrationFailed(migration.id, error) from error
        else:
            return migration.id
