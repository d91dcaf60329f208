"""Whether and when a failed attempt is repeated. No I/O here: the clients ask, wait and send.

    outcome                                     repeatable call       other call
    not sent (DNS, refused, TLS, pool)          again                 again
    429; 503 with Retry-After                   again                 again
    lost in flight (read time-out, reset)       again                 raise
    502, 503, 504                               again                 raise
    other 4xx, 500                              raise                 raise

A call is repeatable when doing it twice is the same as doing it once: a read, or a report that names its moment.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Self

import attrs

from firmtrail.errors import (
    ApiError,
    CertificateRefusedError,
    ConnectionLostError,
    FirmtrailError,
    NotSentError,
    NotTrustedError,
)

_TOO_MANY_REQUESTS, _BAD_GATEWAY, _UNAVAILABLE, _GATEWAY_TIMEOUT = 429, 502, 503, 504


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """Full jitter, a few attempts, and the clock and the sleep that a test may replace."""

    #: of one call in all
    attempts: int = 3
    base_seconds: float = 0.5
    cap_seconds: float = 8.0
    #: a server that asks for a longer wait is obeyed by raising at once
    longest_wait_seconds: float = 30.0
    #: what is added to the server's own wait at most, so that the many it told the same do not come back at once
    extra_wait: float = 0.1
    #: from 0 to 1
    random: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic
    #: seconds since 1970, for what outlives the process
    wall_clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    async_sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def with_attempts(self, attempts: int | None) -> Self:
        """Try so often in all; None: as before."""
        return self if attempts is None else attrs.evolve(self, attempts=attempts)

    def wait(self, failure: FirmtrailError, *, repeatable: bool, attempt: int, deadline: float) -> float | None:
        """Say how many seconds to wait before the next attempt, or None to raise the failure."""
        if attempt >= self.attempts or not _worth_repeating(failure, repeatable=repeatable):
            return None
        seconds = self._wait(failure, attempt)
        return seconds if seconds < deadline - self.clock() else None

    def _wait(self, failure: FirmtrailError, attempt: int) -> float:
        asked = failure.retry_after if isinstance(failure, ApiError) else None
        if asked is None:
            return self.random() * min(self.cap_seconds, self.base_seconds * 2 ** (attempt - 1))
        if asked > self.longest_wait_seconds:
            return float("inf")
        return asked * (1 + self.extra_wait * self.random())


def _worth_repeating(failure: FirmtrailError, *, repeatable: bool) -> bool:
    if isinstance(failure, NotSentError):
        return not isinstance(failure, NotTrustedError | CertificateRefusedError)
    if isinstance(failure, ConnectionLostError):
        return repeatable
    if not isinstance(failure, ApiError):
        return False
    if failure.status == _TOO_MANY_REQUESTS or (failure.status == _UNAVAILABLE and failure.retry_after is not None):
        return True
    return repeatable and failure.status in {_BAD_GATEWAY, _UNAVAILABLE, _GATEWAY_TIMEOUT}
