"""`enroll`: register this device with the server, which gives it an API key of its own."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from firmtrail_agent.cli.event_loop import wait_for
from firmtrail_agent.cli.options import layers_of
from firmtrail_agent.cli.output import show
from firmtrail_agent.config import configuration, credentials
from firmtrail_agent.config.credentials import MAX_BYTES, CredentialRefused
from firmtrail_agent.server import enrollment
from firmtrail_agent.server.enrollment import Applicant, NotEnrolled
from firmtrail_agent.state import identity
from firmtrail_agent.state.identity import Identity, IdentityDamaged
from firmtrail_agent.system import directories, hardware, log

#: the systemd credential with the enrollment key
CREDENTIAL = "firmtrail-agent.enrollment-key"
_STDIN = Path("-")


def enroll(options: argparse.Namespace) -> int:
    """Enroll, unless the device is enrolled already."""
    server, file = configuration.load_server(layers_of(options)), identity_file(options)
    applicant = _applicant(options)
    show(f"name:        {applicant.name}", f"fingerprint: {applicant.fingerprint}")
    if not options.again and (known := _known(file)):
        show(f"enrolled already as device {known.device_id}; --again enrolls it anew")
        return os.EX_OK
    key = _enrollment_key(options.key_file)
    return finish(
        enrollment.enroll(server, key, applicant, file), "enrolled as device {}; start or restart the agent now"
    )


def finish(work: Coroutine[Any, Any, Identity], done: str) -> int:
    """Wait for a new API key, and say which device has it."""
    try:
        mine = wait_for(work)
    except NotEnrolled as error:
        log.error(str(error))
        return error.code
    except IdentityDamaged as error:
        raise CredentialRefused(str(error)) from None
    show(done.format(mine.device_id))
    return os.EX_OK


def identity_file(options: argparse.Namespace) -> Path:
    """Name the file that enrollment writes."""
    return identity.file_in(directories.state(os.environ, options.root))


def _applicant(options: argparse.Namespace) -> Applicant:
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
