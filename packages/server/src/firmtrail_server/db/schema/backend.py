"""yoyo on our connections: any URL that psycopg takes, no lock or tables left over from a process that was killed."""
# yoyo has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUntypedBaseClass=false

from __future__ import annotations

from typing import Any

from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import default_migration_table

from firmtrail_server.db.schema.connecting import Connection, connect


class Backend(PostgresqlPsycopgBackend):
    """yoyo's view of the database."""

    def connect(self, dburi: Any) -> Connection:
        """Connect by the whole URL: what yoyo parses itself knows only one host.

        Who waits for a lock stands in front of all who come later, reports too: so no wait is long.
        """
        conn = connect(dburi.args["url"])
        conn.execute("set lock_timeout = '1s'")
        return conn

    def log_migration(self, migration: Any, operation: str) -> None:
        """Keep no log of who migrated where.

        For it yoyo asks for the user's name, which fails in a container whose user has none, and for the host's,
        which can wait for DNS; both after the migration was applied and before it is marked.
        """


def open_backend(database_url: str) -> Backend:
    """Connect yoyo; whoever calls this holds the lease, so that what is in the way was left by a dead process."""
    _drop_unfinished_tables(database_url)
    uri = DatabaseURI("postgresql+psycopg", None, None, None, None, None, {"url": database_url})
    backend = Backend(uri, default_migration_table)
    backend.init_database()
    backend.break_lock()
    return backend


def _drop_unfinished_tables(database_url: str) -> None:
    """Drop yoyo's own tables unless they are complete.

    It makes them in one transaction, which CockroachDB commits table by table, and cannot go on from the middle.
    The row with their version comes last: without it no migration was ever marked, and nothing is lost.
    """
    with connect(database_url) as conn:
        found = conn.execute("select to_regclass('_yoyo_version') is not null").fetchone()
        if found == (True,) and conn.execute("select version from _yoyo_version").fetchone() is not None:
            return
        for statement in (
            "drop table if exists _yoyo_migration",
            "drop table if exists _yoyo_log",
            "drop table if exists _yoyo_version",
        ):
            conn.execute(statement)  # allow unreadable: one of the literals above
