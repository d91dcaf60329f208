"""An export is background work: it rests between its blocks while this worker has other things to do."""

from __future__ import annotations

import time
from typing import Final

#: a rest, as a multiple of the time that its block took, where others get nearly all of the worker's CPU time
RESTS: Final = 9
#: a share of it that is no reason to rest: to send the export itself takes less
UNNOTICED: Final = 0.25
#: of what was used before the last block: one block may be sent while the next one waits for the database
REMEMBERED: Final = 0.75
#: of one rest, so that its reader soon sees that nobody reads any more
_LONGEST_SECONDS: Final = 0.5


class Pace:
    """How long a statement rests, in all no longer than `seconds`, so that it ends within its time under any load."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    def rest(self, worked: float, others: float) -> float:
        """Give the seconds to rest after a block that took `worked` seconds; `others` had that share of CPU time."""
        share = max(0.0, others - UNNOTICED) / (1 - UNNOTICED)
        rest = min(worked * RESTS * share, _LONGEST_SECONDS, self._left)
        self._left -= rest
        return rest


class Others:
    """What the other threads of this process use, the event loop before all. For one thread.

    A share of what the process got, not of a core: so it is the same on a machine that others keep busy. Connections
    are spread over the workers, so one of them knows how busy all are.
    """

    def __init__(self) -> None:
        self._all, self._own = time.process_time(), time.thread_time()
        self._recent_all = self._recent_own = 0.0

    def share(self) -> float:
        """Give the share of the recent CPU time that was not this thread's, 0 to 1."""
        used, own = time.process_time(), time.thread_time()
        self._recent_all = self._recent_all * REMEMBERED + used - self._all
        self._recent_own = self._recent_own * REMEMBERED + own - self._own
        self._all, self._own = used, own
        return max(0.0, 1 - self._recent_own / max(self._recent_all, 1e-9))
