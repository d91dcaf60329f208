"""All nouns of `firmtrail`, the command line that they make, and the exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from firmtrail._version import __version__
from firmtrail.cli import (
    audit,
    changes,
    desired_versions,
    device_keys,
    devices,
    enrollment_keys,
    exporting,
    firmware,
    fleet,
    invitations,
    keys,
    members,
    passwords,
    people,
    projects,
    sessions,
)
from firmtrail.cli.asking import confirm
from firmtrail.cli.output import show
from firmtrail.cli.texts import visible
from firmtrail.cli.verbs import RowsRefused, UsageError, Verb
from firmtrail.errors import AuthenticationError, ConfigError, CredentialsError, FirmtrailError, TransportError

DONE, REFUSED, USAGE, ROWS_REFUSED, UNREACHABLE, SETTINGS, INTERRUPTED = 0, 1, 2, 65, 69, 78, 130

#: the first class that an error has
_EXIT_CODES: Sequence[tuple[type[FirmtrailError], int]] = [
    (UsageError, USAGE),
    (RowsRefused, ROWS_REFUSED),
    (ConfigError, SETTINGS),
    (CredentialsError, SETTINGS),
    (TransportError, UNREACHABLE),
    (FirmtrailError, REFUSED),
]
_NOUNS: Mapping[str, tuple[str, Sequence[Verb]]] = {
    "sessions": ("where you are logged in", sessions.VERBS),
    "projects": ("your projects", projects.VERBS),
    "members": ("who is in a project", members.VERBS),
    "invitations": ("let others join a project", invitations.VERBS),
    "keys": ("the API keys of a project", keys.VERBS),
    "desired-versions": ("what the devices of a project should run", desired_versions.VERBS),
    "devices": ("the devices of a project", devices.VERBS),
    "device-keys": ("the API keys of a device", device_keys.VERBS),
    "fleet": ("the devices of a project, all together", fleet.VERBS),
    "enrollment-keys": ("let devices register themselves", enrollment_keys.VERBS),
}
_VERBS: Sequence[Verb] = [
    *people.VERBS,
    *passwords.VERBS,
    *firmware.VERBS,
    *changes.VERBS,
    *exporting.VERBS,
    *audit.VERBS,
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code."""
    options = _parser().parse_args(arguments)
    verb: Verb = options.verb
    try:
        if verb.destroys:
            confirm(verb.destroys, options)
        with verb.client(options) as client:
            show(verb.run(client, options), options, verb)
        sys.stdout.flush()
    except FirmtrailError as error:
        sys.stderr.write(f"firmtrail: {visible(str(error))}{_advice(error)}\n")
        return next(code for kind, code in _EXIT_CODES if isinstance(error, kind))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough; Python must not complain about that when it ends either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _advice(error: FirmtrailError) -> str:
    return " A user logs in with: firmtrail login" if isinstance(error, AuthenticationError | CredentialsError) else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="firmtrail", description="What every device runs, and what it ran.")
    parser.add_argument("--version", action="version", version=f"firmtrail {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for verb in _VERBS:
        verb.add_to(commands)
    for noun, (about, verbs) in _NOUNS.items():
        below = commands.add_parser(noun, help=about, description=about).add_subparsers(metavar="VERB", required=True)
        for verb in verbs:
            verb.add_to(below)
    return parser
