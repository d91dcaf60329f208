"""What the database says of itself: version, isolation, autovacuum, connections, schema, clock, what stands between."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

import psycopg
from psycopg import AsyncConnection
from psycopg.crdb import CrdbConnection, CrdbConnectionInfo

from firmtrail_server.db import Connection, Transaction
from firmtrail_server.db.connection_limits import conninfo
from firmtrail_server.db.pooling import Between, TransactionPooling, find_between
from firmtrail_server.db.schema import pending_migrations
from firmtrail_server.db.schema.errors import first_line
from firmtrail_server.process.doctor.finding import Finding, fail, ok, warn
from firmtrail_server.settings import Settings

_OLDEST_POSTGRESQL, _OLDEST_COCKROACHDB = 15, (25, 2)
#: of a worker: its pool, and two for reports
_CONNECTIONS_OF_A_WORKER = 12
_MUCH = 0.8
_MOST_INSERTS = 0.05
_CLOCK_WARNS_SECONDS, _CLOCK_FAILS_SECONDS = 2, 60
_WANTED = (
    "autovacuum",
    "autovacuum_vacuum_insert_scale_factor",
    "default_transaction_read_only",
    "idle_in_transaction_session_timeout",
    "max_connections",
    "superuser_reserved_connections",
)


async def examine_database(settings: Settings, url: str, now: Callable[[], dt.datetime]) -> AsyncGenerator[Finding]:
    """Look at the database; at what is not reached no further."""
    try:
        between = await find_between(url)
        async with await AsyncConnection.connect(conninfo(url), autocommit=True) as conn:
            for finding in [_between(between), _version(conn), await _isolation(conn), await _schema(conn)]:
                yield finding
            found = await _settings(conn)
            for finding in [*_vacuum(found), *_connections(settings, found), await _clock(conn, now)]:
                yield finding
    except psycopg.OperationalError:
        yield fail(
            "database", "It does not answer, or refuses this user. Check FIRMTRAIL_DATABASE_URL and that it runs."
        )
    except psycopg.Error as error:
        yield fail("database", f"It does not let this user look: {first_line(error)}. Give the user its tables.")


def _between(between: Between) -> Finding:
    match between:
        case Between.NOTHING:
            return ok("pooler", "none: connections lead to the database itself")
        case Between.SESSIONS:
            return ok("pooler", "one that keeps sessions together")
        case Between.TRANSACTIONS:
            return fail("pooler", str(TransactionPooling()))


def _version(conn: Connection) -> Finding:
    number = conn.info.server_version
    if CrdbConnection.is_crdb(conn):
        number = CrdbConnectionInfo(conn.pgconn).server_version
        version = number // 10_000, number // 100 % 100
        text = f"CockroachDB {'.'.join(map(str, version))}"
        return ok("database", text) if version >= _OLDEST_COCKROACHDB else _too_old(text)
    text = f"PostgreSQL {number // 10_000}.{number % 10_000}"
    return ok("database", text) if number // 10_000 >= _OLDEST_POSTGRESQL else _too_old(text)


def _too_old(text: str) -> Finding:
    oldest = ".".join(map(str, _OLDEST_COCKROACHDB))
    return fail("database", f"{text} is too old: upgrade to PostgreSQL {_OLDEST_POSTGRESQL} or CockroachDB {oldest}.")


async def _isolation(conn: Connection) -> Finding:
    """Ask for each kind of transaction that the server uses."""
    for kind in Transaction:
        await conn.execute(kind.begin(conn))  # allow unreadable: a literal of db/database.py
        found = await (await conn.execute("show transaction_isolation")).fetchone()
        await conn.execute("rollback")
        wanted = kind.value.removesuffix(" read only")
        if found not in {(wanted,), ("serializable",)}:
            return fail("isolation", f"Transactions asked for as {wanted} are not: use a database that keeps to them.")
    row = await (await conn.execute("select pg_is_in_recovery()")).fetchone()
    if row == (True,):
        return fail("isolation", "This is a replica, which takes no reports. Connect to the primary.")
    return ok("isolation", "as the server asks for it")


async def _schema(conn: Connection) -> Finding:
    pending = await pending_migrations(conn)
    if pending:
        return fail("schema", f"It lacks {len(pending)} migration(s). Run: firmtrail-server migrate")
    return ok("schema", "has all migrations of this server")


async def _settings(conn: Connection) -> dict[str, str]:
    """Read what the database knows of them; CockroachDB has few."""
    rows = await conn.execute(
        "select name, setting from pg_settings where name = any(%(names)s)", {"names": [*_WANTED]}
    )
    return dict(await rows.fetchall())


def _vacuum(found: Mapping[str, str]) -> Iterator[Finding]:
    if found.get("autovacuum", "on") != "on":
        yield fail(
            "autovacuum",
            "It is off: tables grow and fleet questions slow down. Run: alter system set autovacuum = on;"
            " select pg_reload_conf()",
        )
    elif float(found.get("autovacuum_vacuum_insert_scale_factor", 0)) > _MOST_INSERTS:
        yield warn(
            "autovacuum",
            "The history is vacuumed late, so counts of the past read more. Run: alter system set"
            " autovacuum_vacuum_insert_scale_factor = 0.01; select pg_reload_conf()",
        )
    else:
        yield ok("autovacuum", "on")
    if found.get("idle_in_transaction_session_timeout", "1") == "0":
        yield warn(
            "idle",
            "A transaction that somebody forgets stays open for ever and makes reports cost more. Run: alter database"
            " NAME set idle_in_transaction_session_timeout = '60s'",
        )
    if found.get("default_transaction_read_only") == "on":
        yield fail(
            "read-only", "Transactions are read-only. Run: alter database NAME reset default_transaction_read_only"
        )


def _connections(settings: Settings, found: Mapping[str, str]) -> Iterator[Finding]:
    needed = settings.workers * _CONNECTIONS_OF_A_WORKER
    if "max_connections" not in found:
        yield ok("pool", f"this server opens up to {needed} connections")
        return
    free = int(found["max_connections"]) - int(found.get("superuser_reserved_connections", 0))
    if needed > free:
        yield fail(
            "pool",
            f"This server opens up to {needed} connections, and the database takes {free}."
            " Raise max_connections, or lower FIRMTRAIL_WORKERS.",
        )
    elif needed > _MUCH * free:
        yield warn(
            "pool",
            f"This server opens up to {needed} connections of the {free} that the database takes:"
            " a second server may find none. Raise max_connections.",
        )
    else:
        yield ok("pool", f"up to {needed} connections of {free}")


async def _clock(conn: Connection, now: Callable[[], dt.datetime]) -> Finding:
    before = now()
    row = await (await conn.execute("select clock_timestamp()")).fetchone()
    assert row is not None
    apart = abs((before + (now() - before) / 2 - row[0]).total_seconds())
    if apart > _CLOCK_WARNS_SECONDS:
        grade = fail if apart > _CLOCK_FAILS_SECONDS else warn
        return grade("clock", f"This machine and the database are {apart:.0f} s apart: let both run NTP (timedatectl).")
    return ok("clock", "agrees with the database's")
