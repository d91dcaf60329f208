"""All nouns of `firmtrail`, the command line that they make, and the exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from firmtrail.cli import (
    api_keys,
    audit_events,
    completion,
    config,
    desired_versions,
    device_api_keys,
    devices,
    enrollment_keys,
    firmware,
    fleet,
    invitations,
    members,
    people,
    projects,
    users,
)
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
_NOUNS: Mapping[str, tuple[str, Sequence[Verb]]] = {
    "projects": ("your projects", projects.VERBS),
    "members": ("who is in a project", members.VERBS),
    "invitations": ("let others join a project", invitations.VERBS),
    "api-keys": ("the API keys of a project", api_keys.VERBS),
    "desired-versions": ("what the devices of a project should run", desired_versions.VERBS),
    "devices": ("the devices of a project", devices.VERBS),
    "device-api-keys": ("the API keys of a device", device_api_keys.VERBS),
    "fleet": ("the devices of a project, all together", fleet.VERBS),
    "enrollment-keys": ("let devices register themselves", enrollment_keys.VERBS),
    "audit-events": ("who changed what in a project", audit_events.VERBS),
    "users": ("the user that you are", users.VERBS),
    "config": ("the settings that count", config.VERBS),
    "completion": ("let your shell complete commands", completion.VERBS),
}
_VERBS: Sequence[Verb] = [*people.VERBS, *firmware.VERBS]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code."""
    options = parser().parse(arguments)
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


def parser() -> Parser:
    """Make the parser of all commands."""
    return new_parser(_NOUNS, _VERBS)
