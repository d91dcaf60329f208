"""What happens to devices and to the server in a situation: switched on and off, updated, cut off, answered."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import pairwise


class Contact(Enum):
    """What becomes of a request."""

    ANSWERED = auto()
    #: nobody listens
    REFUSED = auto()
    #: it never arrives, and the device waits for an answer
    SILENT = auto()
    #: it is done, and the answer gets lost
    ANSWER_LOST = auto()
    #: 503
    BUSY = auto()


@dataclass(frozen=True)
class Weather:
    """How the server is met by a device at a moment."""

    contact: Contact = Contact.ANSWERED
    retry_after_seconds: float | None = None
    next_report_in_seconds: int | None = None


#: of the number of a device and a moment
Forecast = Callable[[int, float], Weather]

FAIR = Weather()


@dataclass(frozen=True)
class Story:
    """The life of one device, in seconds of virtual time."""

    #: each with the moment from which on it runs; the first is there from the beginning
    versions: Sequence[tuple[float, str]]
    #: when it is switched on, and off
    boots: Sequence[tuple[float, float]]
    _moments: list[float] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_moments", [moment for moment, _ in self.versions])
        assert all(earlier < later for earlier, later in pairwise(self._moments))

    def version_at(self, moment: float) -> str:
        return self.versions[bisect_right(self._moments, moment) - 1][1]

    def next_change(self, moment: float) -> float:
        """When another version begins to run after a moment."""
        index = bisect_right(self._moments, moment)
        return self._moments[index] if index < len(self._moments) else float("inf")
