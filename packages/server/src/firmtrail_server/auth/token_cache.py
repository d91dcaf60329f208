"""Access tokens that were found valid a moment ago, so that a signature is not checked at every request.

Whether the key or the user behind a token is still alive is not remembered here: that is asked at every request.
"""

from __future__ import annotations

import datetime as dt
import secrets
from hashlib import blake2b

import attrs

from firmtrail_server.auth.access_tokens import Claims

_LIFE = dt.timedelta(minutes=10)
_MAX_ENTRIES = 50_000


@attrs.frozen
class _Entry:
    claims: Claims
    until: dt.datetime


class TokenCache:
    """Remembers what a token says, by a keyed hash of it, for some minutes.

    The key is made afresh in every process and the token itself is not kept: what leaks from memory opens nothing.
    """

    def __init__(self, max_entries: int = _MAX_ENTRIES) -> None:
        self._keyed = blake2b(key=secrets.token_bytes(32), digest_size=16)
        self._max_entries = max_entries
        self._entries: dict[bytes, _Entry] = {}
        self.hits = self.misses = 0

    def find(self, token: str, now: dt.datetime) -> Claims | None:
        entry = self._entries.get(self._digest(token))
        if entry is not None and now < entry.until:
            self.hits += 1
            return entry.claims
        self.misses += 1
        return None

    def add(self, token: str, claims: Claims, now: dt.datetime) -> None:
        """Remember a token for some minutes, or until it expires."""
        digest = self._digest(token)
        self._entries.pop(digest, None)
        while len(self._entries) >= self._max_entries:
            del self._entries[next(iter(self._entries))]  # the oldest
        self._entries[digest] = _Entry(claims, min(now + _LIFE, claims.expires_at))

    def clear(self) -> None:
        """Forget all: the keys that they were signed with may be believed no longer."""
        self._entries.clear()

    def _digest(self, token: str) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(token.encode("utf-8", "surrogateescape"))
        return keyed.digest()
