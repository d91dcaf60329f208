"""The log of requests that were not served because something is away, above all the database.

While it is away every request fails for the same reason, and a line for each would bury the rest of the log.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

from firmtrail_server.errors import Unavailable
from firmtrail_server.telemetry.logs import about, cause_of

logger = logging.getLogger(__name__)

#: after a line about an error, until there is another one about an error of the same kind
QUIET_SECONDS = 5


class RefusalLog:
    """Logs the first request that failed for a reason, and then one in a while, with the number of those between."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._quiet_until: dict[type[Unavailable], float] = {}
        self._left_out: Counter[type[Unavailable]] = Counter()

    def add(self, error: Unavailable, request_id: str) -> None:
        kind, now = type(error), self._monotonic()
        if now < self._quiet_until.get(kind, now):
            self._left_out[kind] += 1
            return
        self._quiet_until[kind] = now + QUIET_SECONDS
        left_out = self._left_out.pop(kind, None)
        fields = about(request_id=request_id, cause=cause_of(error), more_since_the_last_line=left_out)
        logger.warning("not served: %s", error, extra=fields)
