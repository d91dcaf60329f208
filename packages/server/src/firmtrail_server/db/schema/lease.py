"""Only one process migrates at a time: a row that says who, until when, by the database's own clock.

yoyo has a lock of its own, but a process that is killed keeps it for ever, and advisory locks do nothing on
CockroachDB. A lease runs out: its holder renews it from a thread, and whoever finds it expired takes it.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import errors

from firmtrail_server.db.schema.connecting import Connection, connect
from firmtrail_server.db.schema.errors import DatabaseNotReachable, LeaseHeld, LeaseLost

_POLL_SECONDS = 0.2
#: two that make the table at once collide in any of these, although it says "if not exists"
_RACES = (errors.SerializationFailure, errors.UniqueViolation, errors.DuplicateTable, errors.DuplicateObject)


class Lease:
    """The right to migrate, while it lasts."""

    def __init__(self, database_url: str, seconds: float) -> None:
        self._url = database_url
        self._seconds = seconds
        self._holder = uuid.uuid4()
        self._released = threading.Event()

    def check(self) -> None:
        """Renew the lease, or raise `LeaseLost` if another process has taken it.

        Only the database knows: a process that was stopped or cut off has not noticed.
        """
        if not self._renew():
            raise LeaseLost

    @contextmanager
    def held(self, wait_seconds: float, report: Callable[[str], None]) -> Generator[None]:
        """Hold the lease for the block; wait for it at most so long, or raise `LeaseHeld`."""
        with self._connect() as conn:
            self._wait(conn, wait_seconds, report)
        heart = threading.Thread(target=self._keep, name="migration-lease", daemon=True)
        heart.start()
        try:
            yield
        finally:
            self._released.set()
            heart.join()
            self._release()

    def _wait(self, conn: Connection, wait_seconds: float, report: Callable[[str], None]) -> None:
        deadline = time.monotonic() + wait_seconds
        told = False
        while not self._try(conn):
            if not told:
                report("waiting for another process that migrates this database")
                told = True
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
        """Renew until released or taken; three beats to the life of a lease."""
        while not self._released.wait(self._seconds / 3):
            with suppress(psycopg.Error, DatabaseNotReachable):  # the next beat tries again
                if not self._renew():
                    return

    def _renew(self) -> bool:
        """Begin the lease's life anew, also after it ran out, unless another process has taken it."""
        with self._connect() as conn:
            renewed = conn.execute(
                """
                update migration_lease
                   set expires_at = now() + %(seconds)s * interval '1 second'
                 where name = 'schema' and holder = %(holder)s
                """,
                {"holder": self._holder, "seconds": self._seconds},
            )
        return renewed.rowcount == 1

    def _release(self) -> None:
        """Give the lease back. If that fails it runs out, and what the block did or raised still counts."""
        with suppress(psycopg.Error, DatabaseNotReachable), self._connect() as conn:
            conn.execute("delete from migration_lease where holder = %(holder)s", {"holder": self._holder})

    def _connect(self) -> Connection:
        """Connect at READ COMMITTED: each statement here decides by the row as it is, and waits for it, never fails."""
        conn = connect(self._url)
        conn.execute("set default_transaction_isolation = 'read committed'")
        return conn
