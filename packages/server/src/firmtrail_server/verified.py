"""Credentials that were found right a moment ago, so that bcrypt and signatures are not checked at every request.

Whether the key behind a credential is still alive is not remembered here: that is asked at every request.
"""

from __future__ import annotations

import datetime as dt
import secrets
from hashlib import blake2b
from typing import Generic, TypeVar

import attrs

from firmtrail_server.access import Principal, User

_LIFE = dt.timedelta(minutes=10)
_MAX_ENTRIES = 50_000


C_co = TypeVar("C_co", bound="Principal | User", covariant=True)


@attrs.frozen
class Verified(Generic[C_co]):
    """A credential was right."""

    principal: C_co
    #: when it stops being right; None: never by itself
    expires_at: dt.datetime | None


@attrs.frozen
class _Entry:
    principal: Principal | User
    until: dt.datetime


class VerifiedCredentials:
    """Remembers whose a credential is, by a keyed hash of it, for some minutes.

    The key is made afresh in every process and the credential itself is not kept: what leaks from memory opens nothing.
    """

    def __init__(self, max_entries: int = _MAX_ENTRIES) -> None:
        self._key = secrets.token_bytes(32)
        self._max_entries = max_entries
        self._entries: dict[bytes, _Entry] = {}
        self.hits = self.misses = 0

    def find(self, credential: str, now: dt.datetime) -> Principal | User | None:
        entry = self._entries.get(self._digest(credential))
        if entry is not None and now < entry.until:
            self.hits += 1
            return entry.principal
        self.misses += 1
        return None

    def add(self, credential: str, verified: Verified[Principal | User], now: dt.datetime) -> None:
        """Remember a credential for some minutes, or until it expires."""
        until = now + _LIFE
        entry = _Entry(verified.principal, min(until, verified.expires_at or until))
        digest = self._digest(credential)
        self._entries.pop(digest, None)
        while len(self._entries) >= self._max_entries:
            del self._entries[next(iter(self._entries))]  # the oldest
        self._entries[digest] = entry

    def forget(self, credential: str) -> None:
        self._entries.pop(self._digest(credential), None)

    def _digest(self, credential: str) -> bytes:
        return blake2b(credential.encode("utf-8", "surrogateescape"), key=self._key, digest_size=16).digest()
