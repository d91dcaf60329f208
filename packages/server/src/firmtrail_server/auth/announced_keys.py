"""Which of several signing keys signs: a new one only when every server has had the time to read it.

Until then the one before it goes on; both are believed. Pure: time is a parameter.
"""

from __future__ import annotations

import math

from firmtrail_server.auth.signing_keys import SigningKeys


class AnnouncedKeys:
    """Remembers since when each key of a set is known here."""

    def __init__(self, keys: SigningKeys, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._known_since = dict.fromkeys(keys.by_id, -math.inf)

    def ordered(self, keys: SigningKeys, now: float) -> SigningKeys:
        """Put the first key that has been known for long enough in front; without one, take the set as it is.

        A key that is no longer in the set neither signs nor is believed, at once: it may have leaked.
        """
        self._known_since = {key_id: self._known_since.get(key_id, now) for key_id in keys.by_id}
        known = [key_id for key_id, since in self._known_since.items() if now - since >= self._wait_seconds]
        return keys.signed_by(known[0]) if known else keys
