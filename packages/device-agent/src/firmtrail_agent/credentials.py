"""Where the device's API key is kept: systemd's credentials directory, then the configured file. Nowhere else."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import attrs

NAME = "firmtrail-agent.api-key"
MAX_BYTES = 4096
_OTHERS = 0o077


class CredentialRefused(Exception):
    """There is no API key that can be used. The message says what to do; it never holds the key."""


@attrs.frozen(kw_only=True)
class Credential:
    """The text "<key id>:<secret>", and the file it comes from."""

    api_key: str = attrs.field(repr=False)
    file: Path


def load(key_file: Path | None, environment: Mapping[str, str]) -> Credential:
    """Read the device's API key.

    Raises:
        CredentialRefused: there is none, others may read it, or it is malformed.
    """
    if directory := environment.get("CREDENTIALS_DIRECTORY"):
        file = Path(directory, NAME)
        # systemd guards that directory, with permissions of its own that differ between versions
        if (content := _content(file, guarded=True)) is not None:
            return Credential(api_key=_checked(content, file), file=file)
    if key_file is None:
        raise CredentialRefused(
            f"There is no API key: pass one as the systemd credential {NAME}, or name its file in device.key_file."
        )
    content = _content(key_file, guarded=False)
    if content is None:
        raise CredentialRefused(f"There is no {key_file}: write the device's API key into it, or mend device.key_file.")
    return Credential(api_key=_checked(content, key_file), file=key_file)


def _content(file: Path, *, guarded: bool) -> bytes | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
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


def _checked(content: bytes, file: Path) -> str:
    """Take the text of a key file, which ends with a newline or not."""
    try:
        text = content.decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    key_id, _, secret = text.partition(":")
    if not key_id or not secret or not text.isprintable() or " " in text or len(content) > MAX_BYTES:
        raise CredentialRefused(f'{file} must hold one line, "<key id>:<secret>".')
    return text
