"""Limits on wrong credentials: per key or user from one address, and of passwords per address.

Not per key alone: then anyone who knows a key's id could lock its owner out. Keys are not limited per address: nobody
guesses 256 random bits, and one of many tenants behind an address would lock the others out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

from firmtrail_server.auth.failure_counts import FailureCounts
from firmtrail_server.errors import TooManyFailures

PERIOD_SECONDS = 60
MAX_FAILURES_OF_A_KEY = 10
MAX_FAILURES_OF_AN_ADDRESS = 100
#: a single user of IPv6 has a whole network of this size
_IPV6_PREFIX = 64


class LoginThrottle:
    """Counts wrong credentials over a period; what is too much is refused until the period ends.

    `check` before a credential is looked at, `note_result` after. Workers that share `counts` share the limits.
    """

    def __init__(
        self,
        counts: FailureCounts,
        monotonic: Callable[[], float],
        *,
        max_of_a_key: float = MAX_FAILURES_OF_A_KEY,
        max_of_an_address: float = MAX_FAILURES_OF_AN_ADDRESS,
        period_seconds: float = PERIOD_SECONDS,
    ) -> None:
        self._counts = counts
        self._monotonic = monotonic
        self._max_of_a_key = max_of_a_key
        self._max_of_an_address = max_of_an_address
        self._period_seconds = period_seconds

    def check(self, key_id: str, address: str) -> None:
        """Raise `TooManyFailures` if nothing more from there is looked at for now."""
        now = self._monotonic()
        for subject, limit in self._subjects(key_id, address):
            failures, ends_at = self._counts.find(subject, now)
            if failures >= limit:
                raise TooManyFailures(math.ceil(ends_at - now))

    def note_result(self, key_id: str, address: str, *, is_right: bool) -> None:
        """Count a failure. Raise `TooManyFailures`, right or wrong, if too many came from there meanwhile.

        Those that arrive at one moment are looked at together, and only so many may learn whether they were right.
        """
        self.check(key_id, address)
        if not is_right:
            self.add(key_id, address)

    def add(self, key_id: str, address: str) -> None:
        """Count a failure."""
        for subject, _ in self._subjects(key_id, address):
            self._counts.add(subject, self._monotonic(), self._period_seconds)

    def _subjects(self, key_id: str, address: str) -> list[tuple[str, float]]:
        """Name who is limited: a network's own name holds no blank."""
        network = network_of(address)
        limits = {f"{network} {key_id}": self._max_of_a_key, network: self._max_of_an_address}
        return [(subject, limit) for subject, limit in limits.items() if math.isfinite(limit)]


def network_of(address: str) -> str:
    """Return whom an address stands for: itself, or of IPv6 the network that a single user has."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:  # a Unix socket
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, _IPV6_PREFIX), strict=False))
