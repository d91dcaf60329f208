"""What the verbs of `firmtrail-server` do, from serve to openapi. Each returns its exit code."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from getpass import getpass
from pathlib import Path
from typing import Any

import attrs
import uvloop

from firmtrail_contract import User
from firmtrail_server.app import utc_now
from firmtrail_server.auth.failure_counts import FailureMemory
from firmtrail_server.auth.signing_keys import (
    BadSigningKeys,
    SigningKeys,
    keep_signing_keys,
    new_signing_keys,
    read_signing_keys,
)
from firmtrail_server.db import Database, schema
from firmtrail_server.http.documents import openapi_json
from firmtrail_server.process import first_user, serving, supervisor, users
from firmtrail_server.process.database import Watch, database
from firmtrail_server.process.doctor import Grade, examine
from firmtrail_server.process.first_user import checked_user
from firmtrail_server.process.login_link import make_login_link
from firmtrail_server.process.signals import hold_signals
from firmtrail_server.process.sockets import bound, url_of
from firmtrail_server.services import derived_silences, derived_tables
from firmtrail_server.services.background import in_background
from firmtrail_server.services.derived_tables import Comparison
from firmtrail_server.settings import BadSetting, Settings, SettingsReader
from firmtrail_server.telemetry.logs import PROGRAM
from firmtrail_server.telemetry.metrics import Board, Metrics


def _settings(options: argparse.Namespace) -> Settings:
    """The environment's settings, with what the command line says instead."""
    return _reader(options).read()


def _reader(options: argparse.Namespace) -> SettingsReader:
    names = ("host", "port", "workers", "data_dir")
    given = {f"FIRMTRAIL_{name.upper()}": str(value) for name in names if (value := getattr(options, name, None))}
    return SettingsReader({**os.environ, **given})


def serve(options: argparse.Namespace) -> int:
    reader = _reader(options)
    settings = reader.read()
    _check_signing_keys(settings)
    # told to stop, before it served or while it did
    with (
        suppress(KeyboardInterrupt),
        bound(settings.host, settings.port, shared=settings.workers > 1) as sockets,
        database(settings) as (url, watch),
    ):
        if (options.migrate or settings.database_url is None) and serving.migrated(url):
            asyncio.run(_compare_derived(url, repair=True))
        keys = settings.signing_keys or keep_signing_keys(settings.data_dir / "signing-keys.json")
        ready = partial(_say_listening, sockets)
        hold_signals()
        if settings.workers == 1:
            settings = attrs.evolve(settings, signing_keys=keys)
            uvloop.run(_beside(watch, serving.serve(settings, url, sockets, ready, reader=reader)))
        else:
            decided = {**_decided(settings, url, keys), **reader.read_once}
            asyncio.run(_beside(watch, supervisor.supervise(settings, decided, sockets, ready)))
    return 0


def _decided(settings: Settings, url: str, keys: SigningKeys) -> dict[str, str]:
    """Write the variables of what a worker cannot find out by itself."""
    embedded = {"FIRMTRAIL_DATABASE_URL": url} if settings.database_url is None else {}
    kept = {"FIRMTRAIL_SIGNING_KEYS": keys.as_text()} if settings.signing_keys is None else {}
    return embedded | kept


async def _beside(watch: Watch | None, work: Coroutine[Any, Any, None]) -> None:
    """Serve, and meanwhile start the embedded database again whenever it dies."""
    watches = {"embedded_database": watch} if watch else {}
    async with in_background(**watches):
        await work


def _say_listening(sockets: Sequence[socket.socket]) -> None:
    logging.getLogger(PROGRAM).info("listening on %s", url_of(sockets))


def work(options: argparse.Namespace) -> int:
    reader = _reader(options)
    settings = reader.read()
    with suppress(KeyboardInterrupt):
        hold_signals()
        sockets = [socket.socket(fileno=one) for one in options.sockets]
        metrics = Metrics(Board(settings.workers, options.counts), options.number)
        failures = FailureMemory(settings.workers, options.failures, options.number)
        uvloop.run(supervisor.work(settings, reader, sockets, metrics, failures))
    return 0


def _check_signing_keys(settings: Settings) -> None:
    """Servers that share a database must share their keys too, so these cannot be made here."""
    if settings.database_url is not None and settings.signing_keys is None:
        raise BadSetting(
            "Set FIRMTRAIL_SIGNING_KEYS_FILE to a file with the keys that sign access tokens, the same for every "
            "server of this database; make it with: firmtrail-server signing-key > FILE"
        )


def migrate(options: argparse.Namespace) -> int:
    with database(_settings(options)) as (url, _):
        if options.check or options.plan:
            return _show_pending(url, plan=options.plan)
        applied = serving.migrated(url)
        sys.stdout.write("".join(f"applied {name}\n" for name in applied) or "the schema is up to date\n")
        found = asyncio.run(_compare_derived(url, repair=True))
    sys.stdout.write("".join(f"{one.text}\n" for one in found if one.differences))
    return 0


def _show_pending(url: str, *, plan: bool) -> int:
    """Say what there is to do, and change nothing. With a plan that is the answer; else the exit code says it too."""
    pending = asyncio.run(serving.pending_at(url))
    lines = map(schema.plan_of, pending) if plan else (f"pending {name}\n" for name in pending)
    nothing = "-- the schema is up to date\n" if plan else "the schema is up to date\n"
    sys.stdout.write("\n".join(lines) if plan and pending else "".join(lines) or nothing)
    return 1 if pending and not plan else 0


def check_derived(options: argparse.Namespace) -> int:
    with database(_settings(options), make=False) as (url, _):
        asyncio.run(serving.check_schema(url))
        found = asyncio.run(_compare_derived(url, repair=options.repair, with_silences=True))
    sys.stdout.write("".join(f"{one.text}\n" for one in found))
    return 1 if any(one.differences for one in found) and not options.repair else 0


async def _compare_derived(url: str, *, repair: bool, with_silences: bool = False) -> list[Comparison]:
    """Compare what is kept twice. Silences are no matter of a new schema: every server sweeps them."""
    pool = Database(url, max_connections=1)
    await pool.open()
    try:
        found = [await derived_tables.compare(pool, repair=repair)]
        return [*found, await derived_silences.compare(pool, utc_now(), repair=repair)] if with_silences else found
    finally:
        await pool.close()


def doctor(options: argparse.Namespace) -> int:
    grades: list[Grade] = []
    for finding in examine(_reader(options), os.environ, utc_now):
        sys.stdout.write(f"{finding.line}\n")
        grades.append(finding.grade)
    return 1 if Grade.FAIL in grades else 0


def create_user(options: argparse.Namespace) -> int:
    settings = _settings(options)
    wanted = checked_user(options.email, options.name, _password())
    with database(settings, make=False) as (url, _):
        if settings.database_url is None:
            serving.migrated(url)
        uvloop.run(serving.check_schema(url))
        user = uvloop.run(first_user.create_user(url, wanted, settings.password_cost))
    sys.stdout.write(f"made the user {user.id}\n")
    return 0


def login_link(options: argparse.Namespace) -> int:
    settings = _settings(options)
    with database(settings, make=False) as (url, _):
        uvloop.run(serving.check_schema(url))
        sys.stdout.write(f"{uvloop.run(make_login_link(url, settings.issuer, options.email))}\n")
    return 0


def set_password(options: argparse.Namespace) -> int:
    password, cost = users.checked_password(_password()), _settings(options).password_cost
    change = partial(users.set_password, password=password, password_cost=cost)
    return _change_user(options, "has a new password; all sessions ended", change)


def disable_user(options: argparse.Namespace) -> int:
    return _change_user(options, "is disabled; all sessions ended", users.disable)


def enable_user(options: argparse.Namespace) -> int:
    return _change_user(options, "may log in again", users.enable)


def make_admin(options: argparse.Namespace) -> int:
    done = f"is an admin of {options.project}"
    return _change_user(options, done, partial(users.make_admin, project_id=options.project))


def _change_user(
    options: argparse.Namespace, done: str, change: Callable[[str, str], Coroutine[Any, Any, User]]
) -> int:
    """Change the user of an address in the server's database, and say what was done."""
    with database(_settings(options), make=False) as (url, _):
        uvloop.run(serving.check_schema(url))
        user = uvloop.run(change(url, options.email))
    sys.stdout.write(f"{user.email} {done}\n")
    return 0


def _password() -> str:
    """Ask a person without showing it; from a pipe or a file take the first line."""
    return getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


def signing_key(options: argparse.Namespace) -> int:
    keys = _signing_keys_in(options.rotate).with_new_key() if options.rotate else new_signing_keys()
    sys.stdout.write(keys.as_text())
    return 0


def _signing_keys_in(file: Path) -> SigningKeys:
    try:
        return read_signing_keys(file.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise BadSigningKeys(f"{file} cannot be read: {error.strerror}.") from error
    except BadSigningKeys as error:
        raise BadSigningKeys(f"{file} {error}.") from None


def openapi(_options: argparse.Namespace) -> int:
    sys.stdout.buffer.write(openapi_json())
    return 0
