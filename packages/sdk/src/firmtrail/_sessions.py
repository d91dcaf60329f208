"""The login of a profile: its tokens, in a file of their own beside the profiles, which each refresh replaces whole.

A refresh token is good for one use, so that two processes must not use it at once, and what came of it must be kept
before it is used by anybody else. Hence the lock; where there is none (not a POSIX system), the server's grace of a
minute is all there is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote

import attrs

from firmtrail._profiles import private_text, profile_file, reason_of, replace_file
from firmtrail.errors import ConfigError
from firmtrail.stored import from_json, to_json

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None

#: between two looks whether another process still has the lock
LOCK_SECONDS = 0.05


@attrs.frozen(kw_only=True)
class SessionTokens:
    """What a session has at the moment."""

    #: the server that it is of, and no other may see them
    url: str
    refresh_token: str = attrs.field(repr=False)
    access_token: str = attrs.field(repr=False)
    #: when the access token is to be replaced, in seconds since 1970
    renew_at: float


@attrs.frozen
class StoredSession:
    """Where the login of a profile is kept."""

    file: Path

    @classmethod
    def of_profile(cls, environment: Mapping[str, str], profile: str | None = None) -> Self:
        """Name the file of this profile, else of the chosen one, which need not be there."""
        name = quote(profile or environment.get("FIRMTRAIL_PROFILE") or "default", safe=" ")
        return cls(profile_file(environment).parent / "sessions" / f"{name}.json")

    def read(self) -> SessionTokens | None:
        """Read the tokens; None: there is no login.

        Raises:
            ConfigError: others may read the file, or it is damaged.
        """
        text = private_text(self.file)
        try:
            return from_json(text, SessionTokens) if text else None
        except ValueError:
            raise ConfigError(f"{self.file} is damaged. Log in again with: firmtrail login") from None

    def write(self, tokens: SessionTokens) -> None:
        """Keep new tokens, whole or not at all, or raise `ConfigError`."""
        try:
            replace_file(self.file.resolve(), to_json(tokens))
        except OSError as error:
            raise ConfigError(f"{self.file} cannot be written: {reason_of(error)}.") from None

    def forget(self) -> None:
        """Remove the tokens."""
        self.file.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep others from changing the tokens while the block lasts; wait for those who do."""
        lock = self.lock()
        while not lock.try_acquire():
            time.sleep(LOCK_SECONDS)
        try:
            yield
        finally:
            lock.release()

    def lock(self) -> ProcessLock:
        """Make what keeps others from changing the tokens."""
        return ProcessLock(self.file.with_suffix(".lock"))


class ProcessLock:
    """A lock between processes, and between all who made one of their own; it ends with its process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        """Take it if nobody has it.

        Raises:
            ConfigError: its file cannot be made, and then new tokens could not be kept either.
        """
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"{self._file} cannot be written: {reason_of(error)}.") from None
        if not _is_taken(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let the next one have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _is_taken(descriptor: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
