"""Only one process migrates at a time: a row that says who, until when, by the database's own clock.

yoyo has a lock of its own, but a process that is killed keeps it for ever, and advisory locks do nothing on
CockroachDB. A lease runs out: its holder renews it from a thread, and whoever finds it expired takes it.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors

from firmtrail_server.schema.errors import DatabaseNotReachable, LeaseHeld, LeaseLost

Connection = psycopg.Connection[tuple[Any, ...]]

_POLL_SECONDS = 0.2
_RACES = (errors.SerializationFailure, errors.UniqueViolation, errors.DuplicateTable)


class Lease:
    """The right to migrate, while it lasts."""

    def __init__(self, database_url: str, seconds: float) -> None:
        self._url = database_url
        self._seconds = seconds
        self._holder = uuid.uuid4()
        self._released = threading.Event()
        self._lost = threading.Event()

    def check(self) -> None:
        """Raise `LeaseLost` if another process may be migrating by now."""
        if self._lost.is_set():
            raise LeaseLost

    @contextmanager
    def held(self, wait_seconds: float) -> Generator[None]:
        """Hold the lease for the block; wait for it at most so long, or raise `LeaseHeld`."""
        with connect(self._url) as conn:
            self._wait(conn, wait_seconds)
        heart = threading.Thread(target=self._keep, name="migration-lease", daemon=True)
        heart.start()
        try:
            yield
        finally:
            self._released.set()
            heart.join()
            with connect(self._url) as conn:
                conn.execute("delete from migration_lease where holder = %(holder)s", {"holder": self._holder})

    def _wait(self, conn: Connection, wait_seconds: float) -> None:
        deadline = time.monotonic() + wait_seconds
        while not self._try(conn):
            if time.monotonic() > deadline:
                raise LeaseHeld(wait_seconds)
            time.sleep(_POLL_SECONDS)

    def _try(self, conn: Connection) -> bool:
        try:
            conn.execute(
                """
                create table if not exists migration_lease (
                    name       text        not null,
                    holder     uuid        not null,
                    expires_at timestamptz not null,
                    constraint migration_lease_pkey primary key (name)
                )
                """
            )
            taken = conn.execute(
                """
                insert into migration_lease (name, holder, expires_at)
                values ('schema', %(holder)s, now() + %(seconds)s * interval '1 second')
                    on conflict (name) do update
                   set holder = excluded.holder, expires_at = excluded.expires_at
                 where migration_lease.expires_at < now()
                """,
                {"holder": self._holder, "seconds": self._seconds},
            )
        except _RACES:  # someone else was faster
            return False
        return taken.rowcount == 1

    def _keep(self) -> None:
        """Renew until released; three tries fit into the life of a lease."""
        while not self._released.wait(self._seconds / 3):
            try:
                with connect(self._url) as conn:
                    renewed = conn.execute(
                        """
                        update migration_lease
                           set expires_at = now() + %(seconds)s * interval '1 second'
                         where holder = %(holder)s
                        """,
                        {"holder": self._holder, "seconds": self._seconds},
                    )
                if renewed.rowcount == 0:
                    self._lost.set()
                    return
            except (psycopg.Error, DatabaseNotReachable):
                continue  # the next beat tries again; if none comes through, the row says that we lost


def connect(database_url: str) -> Connection:
    """Open a connection without transactions of its own.

    Raises:
        DatabaseNotReachable: there is none to be had.
    """
    try:
        return psycopg.connect(database_url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError:
        raise DatabaseNotReachable from None
