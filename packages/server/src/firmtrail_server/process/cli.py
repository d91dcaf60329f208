"""The command `firmtrail-server`: its arguments, and what its exit code says. What it does is in commands.py."""

from __future__ import annotations

import argparse
import logging
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from firmtrail_server.auth.signing_keys import BadSigningKeys
from firmtrail_server.db.pooling import TransactionPooling
from firmtrail_server.db.schema import DatabaseNotReachable, SchemaError
from firmtrail_server.errors import DatabaseUnavailable
from firmtrail_server.process import commands
from firmtrail_server.process.database import NoDatabase
from firmtrail_server.process.first_user import BadUser
from firmtrail_server.process.signals import unwind_on_signals
from firmtrail_server.process.sockets import CannotListen
from firmtrail_server.process.supervisor import NoWorkerStarts
from firmtrail_server.settings import BadSetting
from firmtrail_server.telemetry import logs

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
    NoDatabase: EX_CONFIG,
    CannotListen: EX_CONFIG,
    TransactionPooling: EX_CONFIG,
    BadUser: EX_DATAERR,
    DatabaseNotReachable: EX_UNAVAILABLE,
    DatabaseUnavailable: EX_UNAVAILABLE,
    SchemaError: EX_SOFTWARE,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; what stops it is said in one sentence on stderr."""
    options = _parser().parse_args(arguments)
    logs.set_up(os.environ.get("FIRMTRAIL_LOG_FORMAT"))
    unwind_on_signals()
    try:
        return options.run(options)
    except NoWorkerStarts as error:  # which has said why, if it could
        return error.exit_code if error.exit_code >= 0 else _refuse(error, EX_SOFTWARE)
    except tuple(_EXIT_CODES) as error:
        return _refuse(error, next(code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)))
    except KeyboardInterrupt:
        return EX_INTERRUPTED


def _refuse(error: Exception, exit_code: int) -> int:
    logging.getLogger(logs.PROGRAM).error("%s", error)
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="firmtrail-server", description="The Firmtrail server.")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    database = argparse.ArgumentParser(add_help=False)
    database.add_argument("--data-dir", type=Path, help="where the embedded PostgreSQL keeps its data")

    serve_parser = verbs.add_parser("serve", parents=[database], help="serve the API in the foreground")
    serve_parser.add_argument("--host", help="the address to listen on")
    serve_parser.add_argument("--port", help="the port to listen on; 0: any free one")
    serve_parser.add_argument("--workers", metavar="N", help="how many processes serve")
    serve_parser.add_argument("--migrate", action="store_true", help="bring the schema up to date first")
    serve_parser.set_defaults(run=commands.serve)

    worker_parser = verbs.add_parser("worker")  # the command of supervising.py alone, so it has no help
    worker_parser.add_argument("number", type=int)
    worker_parser.add_argument("counts", type=int)
    worker_parser.add_argument("failures", type=int)
    worker_parser.add_argument("sockets", type=int, nargs="+")
    worker_parser.set_defaults(run=commands.work)

    migrate_parser = verbs.add_parser("migrate", parents=[database], help="bring the schema up to date")
    instead = migrate_parser.add_mutually_exclusive_group()
    instead.add_argument("--check", action="store_true", help="change nothing; 1: there is something to do")
    instead.add_argument("--plan", action="store_true", help="change nothing; print the SQL that would be run")
    migrate_parser.set_defaults(run=commands.migrate)

    check_help = "compare what the database keeps twice for speed, what devices run and who is silent; 1: they differ"
    check_parser = verbs.add_parser("check-derived", parents=[database], help=check_help)
    check_parser.add_argument("--repair", action="store_true", help="make equal what differs, while servers serve")
    check_parser.set_defaults(run=commands.check_derived)

    doctor_help = (
        "look at settings, database, schema, clock, keys, mail and proxies, and say what mends what; 1: a fault"
    )
    doctor_parser = verbs.add_parser("doctor", parents=[database], help=doctor_help)
    doctor_parser.set_defaults(run=commands.doctor)

    user_help = "make a user; the password is the first line of the standard input"
    user_parser = verbs.add_parser("create-user", parents=[database], help=user_help)
    user_parser.add_argument("--email", required=True, help="the address to log in with")
    user_parser.add_argument("--name", required=True, help="what people call the user")
    user_parser.set_defaults(run=commands.create_user)

    _add_user_verbs(verbs, database)

    key_parser = verbs.add_parser("signing-key", help="print a new set of keys that sign access tokens")
    key_parser.add_argument("--rotate", type=Path, metavar="FILE", help="print this set with a new key in front")
    key_parser.set_defaults(run=commands.signing_key)

    openapi_parser = verbs.add_parser("openapi", help="print the OpenAPI document")
    openapi_parser.set_defaults(run=commands.openapi)
    return parser


def _add_user_verbs(verbs: Any, database: argparse.ArgumentParser) -> None:
    set_help = "give a user a new password, the first line of the standard input; all sessions end"
    project = ("project", {"type": uuid.UUID, "metavar": "PROJECT_ID", "help": "the id of the project"})
    for name, about, run, more in (
        ("set-password", set_help, commands.set_password, ()),
        ("disable-user", "let nobody log in as a user; all sessions end", commands.disable_user, ()),
        ("enable-user", "let a user log in again", commands.enable_user, ()),
        ("login-link", "print a link that signs a user in once, within ten minutes", commands.login_link, ()),
        ("make-admin", "make a user an admin of a project that has lost its own", commands.make_admin, (project,)),
    ):
        parser = verbs.add_parser(name, parents=[database], help=about, description=about)
        parser.add_argument("email", metavar="EMAIL", help="the user's address")
        for argument, how in more:
            parser.add_argument(argument, **how)
        parser.set_defaults(run=run)
