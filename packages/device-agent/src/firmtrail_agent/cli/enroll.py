"""The commands that give this device an API key of its own, and replace it."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmtrail_agent.cli.output import show
from firmtrail_agent.config import configuration, credentials
from firmtrail_agent.config.credentials import MAX_BYTES, CredentialRefused
from firmtrail_agent.config.layers import layers_of
from firmtrail_agent.state import identity
from firmtrail_agent.state.identity import Identity, IdentityDamaged
from firmtrail_agent.system import directories, hardware, log

if TYPE_CHECKING:  # brings the HTTP library, which the other commands start faster without
    from firmtrail_agent.server.enrollment import Applicant

#: the systemd credential with the enrollment key
CREDENTIAL = "firmtrail-agent.enrollment-key"
_STDIN = Path("-")


def enroll(options: argparse.Namespace) -> int:
    """Register this device with the server; one that is enrolled already stays as it is."""
    from firmtrail_agent.server import enrollment  # noqa: PLC0415  see above

    server, file = configuration.load_server(layers_of(options)), _file(options)
    applicant = _applicant(options)
    show(f"name:        {applicant.name}", f"fingerprint: {applicant.fingerprint}")
    if not options.again and (known := _known(file)):
        show(f"enrolled already as device {known.device_id}; --again enrolls it anew")
        return os.EX_OK
    key = _enrollment_key(options.key_file)
    return _told(
        enrollment.enroll(server, key, applicant, file), "enrolled as device {}; start or restart the agent now"
    )


def rotate_key(options: argparse.Namespace) -> int:
    """Replace the API key that this device has by enrollment; an agent that runs takes the new one by itself."""
    from firmtrail_agent.server import enrollment  # noqa: PLC0415  see above

    server = configuration.load_server(layers_of(options))
    return _told(enrollment.rotate(server, _file(options)), "device {} has a new API key")


def _told(work: Coroutine[Any, Any, Identity], done: str) -> int:
    from firmtrail_agent.server.enrollment import NotEnrolled  # noqa: PLC0415  see above

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, also in the middle of a look-up
    try:
        mine = asyncio.new_event_loop().run_until_complete(work)
    except NotEnrolled as error:
        log.error(str(error))
        return error.code
    except IdentityDamaged as error:
        raise CredentialRefused(str(error)) from None
    show(done.format(mine.device_id))
    return os.EX_OK


def _applicant(options: argparse.Namespace) -> Applicant:
    from firmtrail_agent.server.enrollment import Applicant  # noqa: PLC0415  see above

    fingerprint = options.fingerprint or hardware.fingerprint(options.root)
    if fingerprint is None:
        raise CredentialRefused("Nothing tells this device from others of its kind: give it a --fingerprint.")
    return Applicant(name=options.name or hardware.name(), fingerprint=fingerprint)


def _known(file: Path) -> Identity | None:
    try:
        return identity.read(file)
    except IdentityDamaged as error:
        raise CredentialRefused(str(error)) from None


def _enrollment_key(file: Path | None) -> str:
    """Read it from where it was said to be, else from systemd, else from standard input."""
    if file is None and (passed := credentials.load_passed(os.environ, [CREDENTIAL])):
        return passed.api_key
    if file is None or file == _STDIN:
        return credentials.checked(_standard_input(), "standard input")
    return credentials.load_file(file).api_key


def _standard_input() -> bytes:
    try:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    except OSError as error:
        raise CredentialRefused(f"standard input cannot be read: {error.strerror}.") from None


def _file(options: argparse.Namespace) -> Path:
    return identity.file_in(directories.state(os.environ, options.root))
