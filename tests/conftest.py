"""One real PostgreSQL for the whole run; every test that asks for a database gets its own, cloned from a template.

FIRMTRAIL_TEST_DATABASE_URL names another server to use: PostgreSQL 15 or newer, or CockroachDB. Its user must be
allowed to make databases. `--database` runs the tests that ask for a database, and no others.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql
from psycopg.crdb import CrdbConnection

from firmtrail_postgres import EmbeddedDatabase
from firmtrail_server.db.schema import migrate

# No test trusts an authority of the world, and to read them all takes every HTTP client 50 ms, more than all else that
# most tests do: here and in child processes there are none.
os.environ.update({"SSL_CERT_FILE": "", "SSL_CERT_DIR": os.devnull})

#: Losing a test's database in a power cut is no loss.
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "300"}
_GIVEN = os.environ.get("FIRMTRAIL_TEST_DATABASE_URL")
_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 4 * 1024**3


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", action="store_true", help="only tests that ask for a database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--database"):
        return
    asking = [item for item in items if "cluster_url" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(asking)])
    items[:] = asking


@pytest.fixture(scope="session")
def cluster_url() -> Generator[str]:
    """The cluster that all workers of this run share; the last one to leave stops and removes it.

    It lies in the temporary directory itself: when root runs the tests, pytest's own is closed to the
    unprivileged user that PostgreSQL runs as.
    """
    if _GIVEN:
        yield _GIVEN
        return
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    root = _fast_directory() / f"firmtrail-tests-{run[:12]}"
    cluster = EmbeddedDatabase(root, settings=_SETTINGS)
    yield cluster.start()
    if cluster.stop():
        shutil.rmtree(root)


def _fast_directory() -> Path:
    """Memory, where there is plenty: a database is 300 files, which cost twice as much on a disk."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES:
        return _MEMORY
    return Path(tempfile.gettempdir())


@pytest.fixture(scope="session")
def postgres(cluster_url: str) -> Generator[psycopg.Connection]:
    """What makes and removes the tests' databases."""
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def template_database(postgres: psycopg.Connection, cluster_url: str) -> Generator[str]:
    name = f"template_{uuid.uuid4().hex[:12]}"
    postgres.execute(_CREATE[_is_crdb(postgres)].format(sql.Identifier(name), **_made_of("template0")))
    migrate(_named(cluster_url, name))
    yield name
    postgres.execute(_DROP[_is_crdb(postgres)].format(sql.Identifier(name)))


@pytest.fixture
def database_url(postgres: psycopg.Connection, cluster_url: str, template_database: str) -> Generator[str]:
    """A migrated database of the test's own."""
    yield from made_database(postgres, cluster_url, template_database)


@pytest.fixture
def empty_database_url(postgres: psycopg.Connection, cluster_url: str) -> Generator[str]:
    """A database of the test's own without any table."""
    yield from made_database(postgres, cluster_url, "template0")


def made_database(postgres: psycopg.Connection, cluster_url: str, template: str) -> Generator[str]:
    """Clone a database. CockroachDB clones none: there it is migrated instead, which takes its time."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    is_crdb = _is_crdb(postgres)
    postgres.execute(_CREATE[is_crdb].format(sql.Identifier(name), **_made_of(template)))
    if is_crdb and template != "template0":
        migrate(_named(cluster_url, name))
    yield _named(cluster_url, name)
    postgres.execute(_DROP[is_crdb].format(sql.Identifier(name)))


#: by whether it is CockroachDB
_CREATE = {
    False: sql.SQL("create database {} template {template} strategy file_copy {locale}"),
    True: sql.SQL("create database {}"),
}
_DROP = {False: sql.SQL("drop database {} with (force)"), True: sql.SQL("drop database {} cascade")}


def _made_of(template: str) -> dict[str, sql.Composable]:
    """The template, and the locale where it is not its: texts have the order of their bytes, as on CockroachDB."""
    is_plain = bool(_GIVEN) and template == "template0"
    locale = sql.SQL("encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8'") if is_plain else sql.SQL("")
    return {"template": sql.Identifier(template), "locale": locale}


def _is_crdb(connection: psycopg.Connection) -> bool:
    return CrdbConnection.is_crdb(connection)


def _named(url: str, database: str) -> str:
    """Name a database of the cluster; tests add what they want with a `&`."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}", query=parts.query or "connect_timeout=10"))
