"""All nouns of `firmtrail`, the command line that they make, and the exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Container, Sequence
from importlib import import_module

from firmtrail.cli import changes, exporting, firmware, passwords, people, reporting
from firmtrail.cli.asking import confirm
from firmtrail.cli.output import show
from firmtrail.cli.parser import Parser, new_parser
from firmtrail.cli.texts import visible
from firmtrail.cli.verbs import RowsRefused, UsageError, Verb
from firmtrail.cli.wording import in_shell
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
#: each has its verbs in the module of its name, which is imported when the noun is typed
NOUNS = {
    "sessions": "where you are logged in",
    "projects": "your projects",
    "members": "who is in a project",
    "invitations": "let others join a project",
    "api-keys": "the API keys of a project",
    "desired-versions": "what the devices of a project should run",
    "devices": "the devices of a project",
    "device-api-keys": "the API keys of a device",
    "fleet": "the devices of a project, all together",
    "webhooks": "have the changes of a project sent to a URL",
    "enrollment-keys": "let devices register themselves",
    "audit-events": "who changed what in a project",
    "users": "the user that you are",
    "config": "the settings that count",
    "completion": "let your shell complete commands",
}
VERBS: Sequence[Verb] = [
    *people.VERBS,
    *passwords.VERBS,
    *firmware.VERBS,
    *reporting.VERBS,
    *changes.VERBS,
    *exporting.VERBS,
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    options = parser(NOUNS if "completion" in words else words).parse(words)
    verb: Verb = options.verb
    try:
        if verb.destroys:
            confirm(verb.destroys, options)
        with verb.client(options) as client:
            show(verb.run(client, options), options, verb)
        sys.stdout.flush()
    except FirmtrailError as error:
        sys.stderr.write(f"firmtrail: {visible(in_shell(error, verb))}{_advice(error)}\n")
        return next(code for kind, code in _EXIT_CODES if isinstance(error, kind))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough; Python must not complain about that when it ends either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _advice(error: FirmtrailError) -> str:
    return " A user logs in with: firmtrail login" if isinstance(error, AuthenticationError | CredentialsError) else ""


def parser(words: Container[str]) -> Parser:
    """Make the parser of all commands, with the verbs of the nouns among these words."""
    nouns = {noun: (about, verbs_of(noun) if noun in words else list[Verb]()) for noun, about in NOUNS.items()}
    return new_parser(nouns, VERBS)


def verbs_of(noun: str) -> Sequence[Verb]:
    return import_module(f"firmtrail.cli.{noun.replace('-', '_')}").VERBS
