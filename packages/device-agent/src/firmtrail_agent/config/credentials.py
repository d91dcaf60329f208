"""Where the device's API key is kept: systemd's credentials directory, what `enroll` left, then the configured file."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from firmtrail_agent.state import identity
from firmtrail_agent.state.identity import Identity, IdentityDamaged
from firmtrail_contract.blanks import trimmed

NAME = "firmtrail-agent.api-key"
#: the unit loads both, and systemd wants a name for each
NAMES = (NAME, f"{NAME}.encrypted")
MAX_BYTES = 4096
_OTHERS = 0o077
#: all of it visible ASCII
_KEY = re.compile(r"(?!:)[!-~]+?:[!-~]+")


class CredentialRefused(Exception):
    """There is no API key that can be used. The message says what to do; it never holds the key."""


@attrs.frozen(kw_only=True)
class Credential:
    """The text "<key id>:<secret>", and the file it comes from."""

    api_key: str = attrs.field(repr=False)
    file: Path


def load(key_file: Path | None, environment: Mapping[str, str], *, identity_file: Path | None = None) -> Credential:
    """Read the device's API key.

    Raises:
        CredentialRefused: there is none, others may read it, or it is malformed.
    """
    if passed := load_passed(environment, NAMES):
        return passed
    if identity_file and (enrolled := _enrolled(identity_file)):
        return Credential(api_key=enrolled.api_key, file=identity_file)
    if key_file is None:
        raise CredentialRefused(
            f"There is no API key: run firmtrail-agent enroll, pass one as the systemd credential {NAME}, "
            "or name its file in device.key_file."
        )
    return load_file(key_file)


def load_passed(environment: Mapping[str, str], names: Sequence[str]) -> Credential | None:
    """Read the first of these credentials that systemd passes."""
    if directory := environment.get("CREDENTIALS_DIRECTORY"):
        for file in (Path(directory, name) for name in names):
            # systemd guards that directory, with permissions of its own that differ between versions
            if (content := _content(file, guarded=True)) is not None:
                return Credential(api_key=checked(content, file), file=file)
    return None


def load_file(file: Path) -> Credential:
    """Read a key from a file that is for its owner alone."""
    content = _content(file, guarded=False)
    if content is None:
        raise CredentialRefused(f"There is no {file}: write the API key into it, or name another file.")
    return Credential(api_key=checked(content, file), file=file)


def _enrolled(file: Path) -> Identity | None:
    try:
        return identity.read(file)
    except IdentityDamaged as damaged:
        raise CredentialRefused(str(damaged)) from None


def _content(file: Path, *, guarded: bool) -> bytes | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise CredentialRefused(
            f"{file} cannot be read by this user. The service has one of its own: "
            f"write its API key into /etc/credstore/{NAME}, from where systemd passes it."
        ) from None
    except OSError as error:
        raise CredentialRefused(f"{file} cannot be read: {error.strerror}.") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise CredentialRefused(f"{file} is not a regular file.")
        if mode & _OTHERS and not guarded:
            raise CredentialRefused(f"Others may read or change {file}, which holds a secret. Run: chmod 600 {file}")
        return os.read(descriptor, MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def checked(content: bytes, file: Path | str) -> str:
    """Take the text of a key file, whatever an editor has put before and after it."""
    try:
        text = trimmed(content.decode())
    except UnicodeDecodeError:
        text = ""
    if not _KEY.fullmatch(text) or len(content) > MAX_BYTES:
        raise CredentialRefused(f'{file} must hold one line, "<key id>:<secret>".')
    return text
