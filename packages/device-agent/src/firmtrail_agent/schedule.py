"""When the next report is due. No I/O and no clock of its own: a test lives through years in a second."""

from __future__ import annotations

import random as randomness
from collections.abc import Callable

#: no wait is longer: asyncio's clock stands still while the device is suspended, the schedule's does not
LONGEST_SLEEP_SECONDS = 30.0
SHORTEST_RETRY_SECONDS = 1.0
RETRY_BASE_SECONDS = 30.0
RETRY_CAP_SECONDS = 15 * 60.0
#: after a refusal that only people can mend
REFUSED_BASE_SECONDS = 5 * 60.0
REFUSED_CAP_SECONDS = 6 * 3600.0
#: what a server may ask for; a mistaken header must not silence a device for a year
LONGEST_RETRY_AFTER_SECONDS = 6 * 3600.0
#: 2 to this power times any base is above its cap; a year of failures must not overflow
_LAST_DOUBLING = 16


class Schedule:
    """The deadline of the next report, moved by how the last one went.

    All waits are random, so that devices that failed together do not come back together; also at the cap.
    """

    def __init__(
        self,
        *,
        interval_seconds: float,
        first_within_seconds: float,
        clock: Callable[[], float],
        random: randomness.Random,
    ) -> None:
        self._interval = interval_seconds
        self._clock = clock
        self._random = random
        self._failures = 0
        self._due = clock() + random.uniform(0, min(first_within_seconds, interval_seconds))

    def seconds_left(self) -> float:
        """How long until the next report is due; 0 when it is."""
        return max(0.0, self._due - self._clock())

    def next_sleep(self) -> float:
        """How long to sleep before looking again."""
        return min(self.seconds_left(), LONGEST_SLEEP_SECONDS)

    def started(self) -> None:
        """Set the next deadline before the work, so that no error in it can be the end of reporting."""
        self._due = self._clock() + self._interval * self._random.uniform(0.9, 1.1)

    def succeeded(self) -> None:
        self._failures = 0
        self._due = self._clock() + self._interval * self._random.uniform(0.9, 1.1)

    def failed(self, *, retry_after_seconds: float | None = None) -> None:
        """Come back soon. What the server asks for is the least: without jitter above it, it would get a herd."""
        wait = self._jitter(SHORTEST_RETRY_SECONDS, RETRY_BASE_SECONDS, RETRY_CAP_SECONDS)
        if retry_after_seconds is not None:
            asked = min(retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS)
            wait = max(wait, asked * self._random.uniform(1.0, 1.1))
        self._due = self._clock() + wait

    def refused(self) -> None:
        """Come back late: the same request will be refused until a person has changed something."""
        self._due = self._clock() + self._jitter(REFUSED_BASE_SECONDS, 2 * REFUSED_BASE_SECONDS, REFUSED_CAP_SECONDS)

    def at_once(self) -> None:
        """Make the next report due now."""
        self._due = self._clock()

    def _jitter(self, least: float, base: float, cap: float) -> float:
        most = min(cap, base * 2 ** min(self._failures, _LAST_DOUBLING))
        self._failures += 1
        return self._random.uniform(least, most)
