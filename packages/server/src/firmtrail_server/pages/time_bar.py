"""The time bar: the range of moments that a page can be set to, and where it stands. No I/O."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from enum import StrEnum

import attrs

from firmtrail_contract import format_moment

#: as many places as a slider needs
_PLACES = 1_000
#: what the text of a mark takes of the bar
_LABEL_PERCENT = 8
_NICE_SECONDS = (60, 300, 900, 3_600, 6 * 3_600, 86_400)
_LEAST = dt.timedelta(hours=1)


class Part(StrEnum):
    """What a time bar asks a page for."""

    #: what depends on the moment alone
    STATE = "state"


@attrs.frozen
class Mark:
    """Something that happened on the way."""

    at: dt.datetime
    text: str
    #: where it is on the bar, 0 to 100
    percent: float
    #: whether there is room for its text beside those before it
    is_labelled: bool


@attrs.frozen(kw_only=True)
class TimeBar:
    """From the first moment there is to now."""

    first: dt.datetime
    now: dt.datetime
    #: where it stands; None: now
    at: dt.datetime | None
    marks: list[Mark] = attrs.field(factory=list[Mark])

    @property
    def seconds(self) -> int:
        """How long the bar is."""
        return int((self.now - self.first).total_seconds())

    @property
    def step_seconds(self) -> int:
        """What lies between two places of the slider."""
        wanted = self.seconds / _PLACES
        return next((nice for nice in _NICE_SECONDS if nice >= wanted), _NICE_SECONDS[-1])

    @property
    def last_place(self) -> int:
        return -(-self.seconds // self.step_seconds)

    @property
    def place(self) -> int:
        """Where the slider stands; the last place is now."""
        if self.at is None:
            return self.last_place
        return min(round((self.at - self.first).total_seconds() / self.step_seconds), self.last_place)

    @property
    def percent(self) -> float:
        return self.percent_of(self.at or self.now)

    def percent_of(self, at: dt.datetime) -> float:
        """Where a moment is on the bar, 0 to 100."""
        part = (at - self.first).total_seconds() / self.seconds
        return round(100 * min(max(part, 0), 1), 3)

    @property
    def first_text(self) -> str:
        return format_moment(self.first)

    def with_marks(self, found: Iterable[tuple[dt.datetime, str]]) -> TimeBar:
        """Mark moments that lie on the bar, each with what happened."""
        marks: list[Mark] = []
        free = 0.0
        for at, text in sorted(one for one in found if self.first <= one[0] <= self.now):
            percent = self.percent_of(at)
            marks.append(Mark(at, text, percent, is_labelled=percent >= free))
            free = percent + _LABEL_PERCENT if percent >= free else free
        return attrs.evolve(self, marks=marks)


def time_bar(first: dt.datetime, now: dt.datetime, at: dt.datetime | None) -> TimeBar:
    """Make a bar that begins on a whole minute, and is never shorter than an hour."""
    begins = min(first, now - _LEAST).replace(second=0, microsecond=0)
    return TimeBar(first=begins, now=now, at=at if at is not None and at < now else None)
