"""Limits on wrong credentials: per key or user from one address, and of passwords per address.

Not per key alone: then anyone who knows a key's id could lock its owner out. Keys are not limited per address: nobody
guesses 256 random bits, and one of many tenants behind an address would lock the others out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

import attrs

from firmtrail_server.errors import TooManyFailures

PERIOD_SECONDS = 60
MAX_FAILURES_OF_A_KEY = 10
MAX_FAILURES_OF_AN_ADDRESS = 100
#: a single user of IPv6 has a whole network of this size
_IPV6_PREFIX = 64


@attrs.define
class _Count:
    failures: int
    since: float


class LoginThrottle:
    """Counts wrong credentials over a period; what is too much is refused until the period ends.

    `check` before a credential is looked at, `note_result` after.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        max_of_a_key: float = MAX_FAILURES_OF_A_KEY,
        max_of_an_address: float = MAX_FAILURES_OF_AN_ADDRESS,
        period_seconds: float = PERIOD_SECONDS,
    ) -> None:
        self._monotonic = monotonic
        self._max_of_a_key = max_of_a_key
        self._max_of_an_address = max_of_an_address
        self._period_seconds = period_seconds
        self._counts: dict[tuple[str, ...], _Count] = {}
        self._swept_at = monotonic()

    def check(self, key_id: str, address: str) -> None:
        """Raise `TooManyFailures` if nothing more from there is looked at for now."""
        for subject, limit in self._subjects(key_id, address):
            count = self._counts.get(subject)
            if count is not None and count.failures >= limit and (left := self._left(count)) > 0:
                raise TooManyFailures(math.ceil(left))

    def note_result(self, key_id: str, address: str, *, is_right: bool) -> None:
        """Count a failure. Raise `TooManyFailures`, right or wrong, if too many came from there meanwhile.

        Those that arrive at one moment are looked at together, and only so many may learn whether they were right.
        """
        self.check(key_id, address)
        if not is_right:
            self.add(key_id, address)

    def add(self, key_id: str, address: str) -> None:
        """Count a failure."""
        self._sweep()
        for subject, _ in self._subjects(key_id, address):
            count = self._counts.get(subject)
            if count is None or self._left(count) <= 0:
                self._counts[subject] = _Count(1, self._monotonic())
            else:
                count.failures += 1

    def _subjects(self, key_id: str, address: str) -> list[tuple[tuple[str, ...], float]]:
        network = network_of(address)
        return [((network, key_id), self._max_of_a_key), ((network,), self._max_of_an_address)]

    def _left(self, count: _Count) -> float:
        return count.since + self._period_seconds - self._monotonic()

    def _sweep(self) -> None:
        if self._monotonic() > self._swept_at + self._period_seconds:
            self._counts = {subject: count for subject, count in self._counts.items() if self._left(count) > 0}
            self._swept_at = self._monotonic()


def network_of(address: str) -> str:
    """Return whom an address stands for: itself, or of IPv6 the network that a single user has."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:  # a Unix socket
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, _IPV6_PREFIX), strict=False))
