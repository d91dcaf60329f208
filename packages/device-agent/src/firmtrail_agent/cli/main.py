"""Which commands and options there are. What a command does is in the module of its name, imported when chosen."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Never, NoReturn

from firmtrail_agent.cli import output
from firmtrail_agent.config.configuration import BadConfiguration
from firmtrail_agent.config.credentials import CredentialRefused
from firmtrail_agent.system import log
from firmtrail_agent.system.directories import InUse
from firmtrail_agent.validation.redact import cleaned

_EXIT_CODES = """\
exit codes (sysexits.h): 0 done; 64 wrong usage; 65 a component has no version, or the server rejects it;
69 the server cannot be reached, or is not trusted; 73 a file cannot be written, or a report is lost;
75 a failure that passes by itself; 77 the API key is missing, unsafe or refused; 78 bad configuration.
Of status: 0 healthy; 1 degraded; 3 not running. Of doctor: 0 all is well; 1 there are faults"""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit code."""
    printed = output.open_streams()
    try:
        options = _parser().parse_args(arguments)
        code = _command(options.command)(options)
    except SystemExit as ended:  # the command line is wrong, or asks for help
        code = ended.code if isinstance(ended.code, int) else os.EX_USAGE
    except BadConfiguration as error:
        log.error(*error.problems)
        code = os.EX_CONFIG
    except CredentialRefused as error:
        log.error(str(error))
        code = os.EX_NOPERM
    except InUse as error:
        log.error(str(error))
        code = os.EX_TEMPFAIL
    except PermissionError as error:
        log.error(f"{error.filename}: {error.strerror}: run this as root")
        code = os.EX_NOPERM
    except OSError as error:  # links in a circle, below --root
        log.error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        code = os.EX_CANTCREAT
    with suppress(OSError):  # of one that does not block, and has no room just now
        sys.stdout.flush()
    if printed.failure and not isinstance(printed.failure, BrokenPipeError):  # who has read enough may go
        log.error(f"standard output cannot be written: {printed.failure.strerror}")
        code = code or os.EX_CANTCREAT
    _leave(code)


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    """Import what one command needs, and no other: `status` starts without the HTTP library."""
    module, _, function = name.partition(".")
    return getattr(import_module(f"firmtrail_agent.cli.{module}"), function)


def _leave(code: int) -> NoReturn:
    """End now: an ordinary exit would wait for a thread that asks a dead DNS server."""
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


class _Parser(argparse.ArgumentParser):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, allow_abbrev=False, **named)

    def error(self, message: str) -> Never:
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"{self.prog}: {cleaned(message)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="firmtrail-agent",
        description="Report the firmware versions of this device to a Firmtrail server.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_common(parser, settings="settings_before")
    parser.set_defaults(config=None, root=Path("/"))
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_report(verbs.add_parser("report", help="report once, now"))
    _add_run(verbs.add_parser("run", help="report now and then, as a service"))
    _add_enroll(verbs.add_parser("enroll", help="register this device and get an API key of its own"))
    _add_rotate_key(verbs.add_parser("rotate-key", help="replace the API key that this device has by enrollment"))
    _add_version(verbs.add_parser("version", help="show the versions, report nothing"))
    _add_status(verbs.add_parser("status", help="show how the agent that runs is"))
    _add_check_config(verbs.add_parser("check-config", help="show all that is wrong with the configuration"))
    _add_doctor(verbs.add_parser("doctor", help="look at all that a report needs, and say what mends it"))
    _add_config(verbs.add_parser("config", help="show the configuration"))
    _add_spool(verbs.add_parser("spool", help="show, send or throw away what waits to be sent"))
    return parser


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="what this command does anyway, for scripts that say it")
    parser.add_argument("--dry-run", action="store_true", help="show what would be sent, send nothing")
    parser.add_argument("--json", action="store_true", help="print JSON")
    _add_common(parser, settings="settings")
    parser.set_defaults(command="report.report")


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_common(parser, settings="settings")
    parser.set_defaults(command="run.run")


def _add_enroll(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key-file", type=Path, metavar="FILE", help="the file with the enrollment key; without one: standard input"
    )
    parser.add_argument("--name", help="what the server calls the device; without one: its host name")
    parser.add_argument(
        "--fingerprint", metavar="TEXT", help="what tells its hardware from all others; without one: its serial number"
    )
    parser.add_argument("--again", action="store_true", help="also if it is enrolled already")
    _add_common(parser, settings="settings")
    parser.set_defaults(command="enroll.enroll")


def _add_rotate_key(parser: argparse.ArgumentParser) -> None:
    _add_common(parser, settings="settings")
    parser.set_defaults(command="rotate_key.rotate_key")


def _add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--explain", action="store_true", help="show what each source said")
    parser.add_argument("--json", action="store_true", help="print JSON, with what each source said")
    _add_common(parser, settings="settings")
    parser.set_defaults(command="version.version")


def _add_check_config(parser: argparse.ArgumentParser) -> None:
    _add_common(parser, settings="settings")
    parser.set_defaults(command="check_config.check_config")


def _add_status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    _add_common(parser, settings="settings")
    parser.set_defaults(command="status.status")


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    _add_common(parser, settings="settings")
    parser.set_defaults(command="doctor.doctor")


def _add_config(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    show = verbs.add_parser("show", help="every setting with its value, and where that comes from")
    _add_common(show, settings="settings")
    show.set_defaults(command="config.config_show")


def _add_spool(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    listed = verbs.add_parser("list", help="show what waits, oldest first")
    listed.add_argument("--json", action="store_true", help="print JSON")
    listed.set_defaults(command="spool.spool_list")
    flush = verbs.add_parser("flush", help="send it now; an agent that runs is told to")
    flush.set_defaults(command="spool.spool_flush")
    purge = verbs.add_parser("purge", help="throw it away")
    purge.set_defaults(command="spool.spool_purge")
    for verb in (listed, flush, purge):
        _add_common(verb, settings="settings")


def _add_common(parser: argparse.ArgumentParser, *, settings: str) -> None:
    """Let these options stand before the command and after it."""
    unset = argparse.SUPPRESS
    parser.add_argument(
        "--config", type=Path, metavar="FILE", default=unset, help="read this file instead of the system's"
    )
    parser.add_argument(
        "--set",
        action="append",
        dest=settings,
        metavar="KEY=VALUE",
        default=[],
        help="set one key of the configuration",
    )
    parser.add_argument(
        "--root", type=Path, metavar="DIR", default=unset, help="look for versions and the system's files below DIR"
    )
