"""The PostgreSQL that everything measured shares: the server's own embedded one, with its own settings, fsync on."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bench.cpu import parent_of
from firmtrail_postgres import EmbeddedDatabase
from firmtrail_server.db.schema import migrate

#: What a program that does not ask for an isolation level would get from most PostgreSQLs: cheaper than our own level.
READ_COMMITTED = r"-c default_transaction_isolation=read\ committed"
_VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL that runs."""

    url: str
    #: the process that all others of it descend from
    pid: int

    def create(self, name: str, *, with_tables: bool) -> str:
        """Make a database, with the tables of our server or empty, and return its URL."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        url = urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))
        if with_tables:
            migrate(url)
        return url

    def setting(self, name: str) -> str:
        with psycopg.connect(self.url) as conn:
            row = conn.execute("select current_setting(%(name)s)", {"name": name}).fetchone()
        assert row
        return row[0]


@contextmanager
def running_cluster(folder: Path, settings: Mapping[str, str] | None = None) -> Generator[Cluster]:
    """Run the PostgreSQL in a folder, which is made unless it is there, for as long as the block lasts."""
    many = {"max_connections": "300"}  # many servers share it
    with EmbeddedDatabase(folder, settings=many | dict(settings or {})) as url:
        with psycopg.connect(url) as conn:
            pid = parent_of(conn.info.backend_pid)
        yield Cluster(url, pid)


@contextmanager
def open_transaction(url: str) -> Generator[None]:
    """Leave a SERIALIZABLE transaction open that has read what devices run, as a forgotten psql does.

    Until it ends PostgreSQL remembers what all later SERIALIZABLE transactions have read, and has little room for that.
    It asks to be left alone by the cluster's own limit on idle transactions, as anybody may.
    """
    with psycopg.connect(url, options="-c idle_in_transaction_session_timeout=0") as conn:
        conn.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        conn.execute("select count(*) from device_firmware")
        yield
        conn.rollback()


def libpq_environment(url: str) -> dict[str, str]:
    """Say where a database is, and READ COMMITTED, as programs over libpq read it from their environment."""
    parameters = conninfo_to_dict(url)
    named = {variable: str(parameters[name]) for name, variable in _VARIABLES.items()}
    return {**named, "PGOPTIONS": READ_COMMITTED}
