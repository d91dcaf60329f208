"""The secrets of API keys, invitations and users: made here, hashed here, checked here.

A secret that we make is a prefix that says whose it is, 43 base62 characters (256 random bits) and a checksum of 6.
The checksum refuses a mistyped secret before any work, and lets scanners recognise a leaked one.
"""

from __future__ import annotations

import hashlib
import secrets
import string
import zlib
from enum import StrEnum

import bcrypt

from firmtrail_server.auth.fair_queue import FairQueue
from firmtrail_server.auth.login_throttle import network_of

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
WORD_LENGTH = 43
CHECKSUM_LENGTH = 6

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
    #: the code that confirms the address of a sign-up
    CONFIRMATION = "ftc_"
    #: the code that sets a new password
    PASSWORD_RESET = "ftw_"  # noqa: S105  what stands before one
    #: stands before a refresh token's session and secret, see refresh_tokens.py
    REFRESH = "ftr_"


_PREFIXES = frozenset(SecretPrefix)
_SECRET_LENGTH = len(SecretPrefix.DEVICE) + WORD_LENGTH


def new_secret(prefix: SecretPrefix) -> str:
    body = prefix + random_word()
    return body + checksum(body)


def random_word() -> str:
    """Make the part of a secret that nobody can guess: 256 random bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(WORD_LENGTH))


def word_of(bits: bytes) -> str:
    """Write 32 bytes as such a part."""
    return _base62(int.from_bytes(bits), WORD_LENGTH)


def is_well_formed(secret: str) -> bool:
    """Whether a text could be one of our secrets. Costs nothing and says nothing about who knows it."""
    body, tail = secret[:-CHECKSUM_LENGTH], secret[-CHECKSUM_LENGTH:]
    return (
        len(body) == _SECRET_LENGTH
        and secret.isascii()
        and body[: len(SecretPrefix.DEVICE)] in _PREFIXES
        and tail == checksum(body)
    )


def hash_secret(secret: str) -> bytes:
    return bcrypt.hashpw(secret.encode(), bcrypt.gensalt(_COST))


def digest(secret: str) -> bytes:
    """Make what a secret of 256 random bits can be looked up by."""
    return hashlib.sha256(secret.encode()).digest()


class SecretDigests:
    """Digests of the secrets that we make, keyed with a secret of the server's (docs/decisions/0005-key-digests.md)."""

    def __init__(self, key: bytes) -> None:
        self.use(key)

    def use(self, key: bytes) -> None:
        """Take another secret of the server's. What was stored with the one before is no longer found."""
        self._keyed = hashlib.blake2b(key=key, digest_size=32)

    def of(self, secret: str) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(secret.encode())
        return keyed.digest()


class SecretChecker:
    """Hashes and checks secrets off the event loop, a few at a time, with a short queue before it."""

    def __init__(self, *, cost: int = _COST, threads: int = 1, max_waiting: int = 200) -> None:
        self._cost = cost
        self._queue = FairQueue(threads=threads, max_waiting=max_waiting)

    @property
    def waiting(self) -> int:
        """How many secrets are being checked, or wait for it."""
        return self._queue.waiting

    async def matches(self, secret: str, secret_hash: bytes | None, address: str) -> bool:
        """Check a secret that came from an address. Without a hash it takes the same time, and never matches.

        Raises:
            CredentialQueueFull: too many are waiting already.
        """
        raw = secret.encode()
        if len(raw) > _MAX_BYTES:  # none that long was ever hashed
            return False
        nobodys = b"$2b$%02d$" % self._cost + b"." * 53
        is_right = await self._queue.run(network_of(address), bcrypt.checkpw, raw, secret_hash or nobodys)
        return is_right and secret_hash is not None

    async def hashed(self, secret: str, address: str) -> bytes:
        """Hash a secret of at most 72 bytes that came from an address.

        Raises:
            CredentialQueueFull: too many are waiting already.
        """
        return await self._queue.run(network_of(address), bcrypt.hashpw, secret.encode(), bcrypt.gensalt(self._cost))

    def close(self) -> None:
        self._queue.close()


def checksum(body: str) -> str:
    """Work out what follows a secret's body."""
    return _base62(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
