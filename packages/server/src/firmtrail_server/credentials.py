"""The secrets of API keys, invitations and users: made here, hashed here, checked here.

A secret that we make is a prefix that says whose it is, 43 base62 characters (256 random bits) and a checksum of 6.
The checksum refuses a mistyped secret before any work, and lets scanners recognise a leaked one.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import string
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from typing import Any, TypeVar

import bcrypt

from firmtrail_server.errors import CredentialQueueFull

T = TypeVar("T")

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BODY_LENGTH = 43
_CHECKSUM_LENGTH = 6

#: 256 random bits cannot be guessed at any speed, so the lowest cost is as safe as the highest.
_COST = 4
#: A password is chosen by a person.
PASSWORD_COST = 12
_MAX_BYTES = 72


class SecretPrefix(StrEnum):
    """Whose secret it is."""

    DEVICE = "ftd_"
    PROJECT = "ftp_"
    ENROLLMENT = "fte_"
    INVITATION = "fti_"


_PREFIXES = frozenset(SecretPrefix)
_SECRET_LENGTH = len(SecretPrefix.DEVICE) + _BODY_LENGTH


def new_secret(prefix: SecretPrefix) -> str:
    body = prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_BODY_LENGTH))
    return body + _checksum(body)


def is_well_formed(secret: str) -> bool:
    """Whether a text could be one of our secrets. Costs nothing and says nothing about who knows it."""
    body, checksum = secret[:-_CHECKSUM_LENGTH], secret[-_CHECKSUM_LENGTH:]
    return (
        len(body) == _SECRET_LENGTH
        and secret.isascii()
        and body[: len(SecretPrefix.DEVICE)] in _PREFIXES
        and checksum == _checksum(body)
    )


def hash_secret(secret: str) -> bytes:
    return bcrypt.hashpw(secret.encode(), bcrypt.gensalt(_COST))


def digest(secret: str) -> bytes:
    """Make what a secret of 256 random bits can be looked up by."""
    return hashlib.sha256(secret.encode()).digest()


class SecretDigests:
    """Digests of the secrets that we make, keyed with a secret of the server's (docs/decisions/0005-key-digests.md)."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hashlib.blake2b(key=key, digest_size=32)

    def of(self, secret: str) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(secret.encode())
        return keyed.digest()


class SecretChecker:
    """Hashes and checks secrets off the event loop, a few at a time, with a short queue before it."""

    def __init__(self, *, cost: int = _COST, threads: int = 1, max_waiting: int = 200) -> None:
        self._cost = cost
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="secrets")
        self._max_waiting = max_waiting
        #: being checked, or waiting for it
        self.waiting = 0
        self._lock = threading.Lock()

    async def matches(self, secret: str, secret_hash: bytes | None) -> bool:
        """Check a secret. Without a hash it takes the same time, and never matches.

        Raises:
            CredentialQueueFull: too many are waiting already.
        """
        raw = secret.encode()
        if len(raw) > _MAX_BYTES:  # none that long was ever hashed
            return False
        nobodys = b"$2b$%02d$" % self._cost + b"." * 53
        return await self._run(bcrypt.checkpw, raw, secret_hash or nobodys) and secret_hash is not None

    async def hashed(self, secret: str) -> bytes:
        """Hash a secret of at most 72 bytes.

        Raises:
            CredentialQueueFull: too many are waiting already.
        """
        return await self._run(bcrypt.hashpw, secret.encode(), bcrypt.gensalt(self._cost))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[bytes, bytes], T], secret: bytes, salt_or_hash: bytes) -> T:
        with self._lock:
            if self.waiting >= self._max_waiting:
                raise CredentialQueueFull
            self.waiting += 1
        done = self._threads.submit(work, secret, salt_or_hash)
        done.add_done_callback(self._leave)  # at its end, not at that of a request that was given up
        return await asyncio.wrap_future(done)

    def _leave(self, _: Future[Any]) -> None:
        with self._lock:
            self.waiting -= 1


def _checksum(body: str) -> str:
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
