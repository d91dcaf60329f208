"""The command `firmtrail-server`: serve, migrate, create-user, signing-key, openapi."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import socket
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from getpass import getpass
from pathlib import Path

import attrs
import uvloop

from firmtrail_server import openapi
from firmtrail_server.embedded import EmbeddedDatabase, EmbeddedDatabaseError
from firmtrail_server.errors import DatabaseUnavailable
from firmtrail_server.first_user import BadUser, checked_user, create_user
from firmtrail_server.listening import CannotListen, bound, url_of
from firmtrail_server.routes import ROUTES
from firmtrail_server.schema import DatabaseNotReachable, SchemaError, migrate
from firmtrail_server.serving import check_schema, serve
from firmtrail_server.settings import BadSetting, Settings, read_settings
from firmtrail_server.signals import hold_signals, unwind_on_signals
from firmtrail_server.signing_keys import (
    BadSigningKeys,
    SigningKeys,
    keep_signing_keys,
    new_signing_keys,
    read_signing_keys,
)
from firmtrail_server.supervising import NoWorkerStarts, supervise, work

# exit codes of sysexits.h
EX_DATAERR = 65
EX_UNAVAILABLE = 69
EX_SOFTWARE = 70
EX_CONFIG = 78
# a shell's, for what was interrupted
EX_INTERRUPTED = 130
_EXIT_CODES: dict[type[Exception], int] = {
    BadSetting: EX_CONFIG,
    BadSigningKeys: EX_CONFIG,
    EmbeddedDatabaseError: EX_CONFIG,
    CannotListen: EX_CONFIG,
    BadUser: EX_DATAERR,
    DatabaseNotReachable: EX_UNAVAILABLE,
    DatabaseUnavailable: EX_UNAVAILABLE,
    SchemaError: EX_SOFTWARE,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; what stops it is said in one sentence on stderr."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO, stream=sys.stderr)
    logging.getLogger("yoyo").setLevel(logging.WARNING)
    unwind_on_signals()
    try:
        return options.run(options)
    except NoWorkerStarts as error:  # which has said why, if it could
        return error.exit_code if error.exit_code >= 0 else _refuse(error, EX_SOFTWARE)
    except tuple(_EXIT_CODES) as error:
        return _refuse(error, next(code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)))
    except KeyboardInterrupt:
        return EX_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="firmtrail-server", description="The Firmtrail server.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    database = argparse.ArgumentParser(add_help=False)
    database.add_argument("--data-dir", type=Path, help="where the embedded PostgreSQL keeps its data")

    serve_parser = commands.add_parser("serve", parents=[database], help="serve the API in the foreground")
    serve_parser.add_argument("--host", help="the address to listen on")
    serve_parser.add_argument("--port", help="the port to listen on; 0: any free one")
    serve_parser.add_argument("--workers", metavar="N", help="how many processes serve")
    serve_parser.add_argument("--migrate", action="store_true", help="bring the schema up to date first")
    serve_parser.set_defaults(run=_serve)

    worker_parser = commands.add_parser("worker")  # the command of supervising.py alone, so it has no help
    worker_parser.add_argument("sockets", type=int, nargs="+")
    worker_parser.set_defaults(run=_work)

    migrate_parser = commands.add_parser("migrate", parents=[database], help="bring the schema up to date")
    migrate_parser.set_defaults(run=_migrate)

    user_help = "make a user; the password is the first line of the standard input"
    user_parser = commands.add_parser("create-user", parents=[database], help=user_help)
    user_parser.add_argument("--email", required=True, help="the address to log in with")
    user_parser.add_argument("--name", required=True, help="what people call the user")
    user_parser.set_defaults(run=_create_user)

    key_parser = commands.add_parser("signing-key", help="print a new set of keys that sign access tokens")
    key_parser.add_argument("--rotate", type=Path, metavar="FILE", help="print this set with a new key in front")
    key_parser.set_defaults(run=_signing_key)

    openapi_parser = commands.add_parser("openapi", help="print the OpenAPI document")
    openapi_parser.set_defaults(run=_openapi)
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    """The environment's settings, with what the command line says instead."""
    names = ("host", "port", "workers", "data_dir")
    given = {f"FIRMTRAIL_{name.upper()}": str(value) for name in names if (value := getattr(options, name, None))}
    return read_settings({**os.environ, **given})


def _serve(options: argparse.Namespace) -> int:
    settings = _settings(options)
    _check_signing_keys(settings)
    is_alone = settings.workers == 1
    # told to stop, before it served or while it did
    with (
        suppress(KeyboardInterrupt),
        bound(settings.host, settings.port, shared=not is_alone) as sockets,
        _database(settings) as (url, embedded),
    ):
        if options.migrate or settings.database_url is None:
            migrate(url)
        keys = settings.signing_keys or keep_signing_keys(settings.data_dir / "signing-keys.json")
        settings = attrs.evolve(settings, signing_keys=keys)
        hold_signals()
        run, serve_all = (uvloop.run, serve) if is_alone else (asyncio.run, supervise)
        run(serve_all(settings, url, sockets, lambda: _say_listening(sockets), embedded=embedded))
    return 0


def _say_listening(sockets: Sequence[socket.socket]) -> None:
    sys.stderr.write(f"firmtrail-server: listening on {url_of(sockets)}\n")
    sys.stderr.flush()


def _work(options: argparse.Namespace) -> int:
    settings = _settings(options)
    assert settings.database_url is not None
    with suppress(KeyboardInterrupt):
        hold_signals()
        uvloop.run(work(settings, settings.database_url, [socket.socket(fileno=one) for one in options.sockets]))
    return 0


def _check_signing_keys(settings: Settings) -> None:
    """Servers that share a database must share their keys too, so these cannot be made here."""
    if settings.database_url is not None and settings.signing_keys is None:
        raise BadSetting(
            "Set FIRMTRAIL_SIGNING_KEYS_FILE to a file with the keys that sign access tokens, the same for every "
            "server of this database; make it with: firmtrail-server signing-key > FILE"
        )


def _migrate(options: argparse.Namespace) -> int:
    with _database(_settings(options)) as (url, _):
        applied = migrate(url)
    sys.stdout.write("".join(f"applied {name}\n" for name in applied) or "the schema is up to date\n")
    return 0


def _create_user(options: argparse.Namespace) -> int:
    settings = _settings(options)
    wanted = checked_user(options.email, options.name, _password())
    with _database(settings) as (url, _):
        if settings.database_url is None:
            migrate(url)
        uvloop.run(check_schema(url))
        user = uvloop.run(create_user(url, wanted, settings.password_cost))
    sys.stdout.write(f"made the user {user.id}\n")
    return 0


def _password() -> str:
    """Ask a person without showing it; from a pipe or a file take the first line."""
    return getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


def _signing_key(options: argparse.Namespace) -> int:
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


def _openapi(_options: argparse.Namespace) -> int:
    sys.stdout.write(openapi.as_text(ROUTES))
    return 0


@contextmanager
def _database(settings: Settings) -> Generator[tuple[str, EmbeddedDatabase | None]]:
    """The configured database's URL, or that of the embedded one for as long as it is needed, and that one."""
    if settings.database_url is not None:
        yield settings.database_url, None
        return
    embedded = EmbeddedDatabase(settings.data_dir, bin_dir=settings.pg_bin, user=settings.pg_user)
    with embedded as url:
        yield url, embedded


def _refuse(error: Exception, exit_code: int) -> int:
    sys.stderr.write(f"firmtrail-server: {error}\n")
    return exit_code
