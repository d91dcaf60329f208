"""How pages say things: moments, durations, shares, links. Filters of the templates; no I/O."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from firmtrail_contract import ObservedAtSource, format_moment

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_MARKS = "*,"
_COMPARISONS = ("<", ">", "=")
#: why a moment is believed, in a word or two, and in a sentence's end
_SOURCES: Final[dict[ObservedAtSource | None, tuple[str, str]]] = {
    ObservedAtSource.DEVICE: ("device", "the device's own clock"),
    ObservedAtSource.SERVER: ("server", "the server's clock when the report arrived"),
    ObservedAtSource.BOOT_CLOCK: (
        "boot clock",
        "the device's boot clock, counted back from when the server heard of it",
    ),
    ObservedAtSource.UPPER_BOUND: ("at the latest", "the device's next boot: then at the latest, perhaps earlier"),
    None: ("not kept", "the device's clock or the server's: which of them is not kept"),
}


def moment(at: dt.datetime | None) -> str:
    """2026-05-03 12:00 UTC, as people read it."""
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M}" if at else "never"


def exactly(at: dt.datetime | None) -> str:
    """The same to the second."""
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC" if at else "never"


def machine(at: dt.datetime) -> str:
    """As the API takes it."""
    return format_moment(at)


def url_moment(at: dt.datetime) -> str:
    """As it stands in a page's URL: short where it is a whole second."""
    return format_moment(at).replace(".000000", "")


def duration(seconds: float | None) -> str:
    """3 d, 5 h, 12 min or 8 s; the largest unit that fits, with one decimal below ten."""
    if seconds is None:
        return "unknown"
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit:
            value = seconds / unit
            return f"{value:.0f} {name}" if value >= 10 or value == round(value) else f"{value:.1f} {name}"  # noqa: PLR2004
    return f"{seconds:.0f} s"


def source(of: ObservedAtSource | None) -> str:
    """Where a moment comes from, in a word or two."""
    return _SOURCES[of][0]


def reason(of: ObservedAtSource | None) -> str:
    """The same as the end of a sentence: why the moment is believed."""
    return _SOURCES[of][1]


def share(part: float) -> str:
    """A part of 1 as a percentage: never 100 % or 0 % where it is not quite that."""
    percent = part * 100
    if 0 < percent < 0.1:  # noqa: PLR2004
        return "<0.1 %"
    if 99.9 < percent < 100:  # noqa: PLR2004
        return ">99.9 %"
    return f"{percent:.1f} %" if percent % 1 else f"{percent:.0f} %"


def count(number: int) -> str:
    """12,345."""
    return f"{number:,}"


def exact_filter(version: str) -> str:
    """A filter of the list of devices that means this version as it is written."""
    is_plain = not version.startswith(_COMPARISONS) and not any(mark in version for mark in _MARKS)
    return version if is_plain else f"=={version}"


def query(**parameters: Any) -> str:
    """The end of a URL: `?name=value`, without what is None or empty."""
    given = {name: spelt(value) for name, value in parameters.items() if value is not None and value != ""}
    return f"?{urlencode(given)}" if given else ""


def spelt(value: Any) -> str:
    """A value as it stands in a URL."""
    if isinstance(value, dt.datetime):
        return url_moment(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "moment": moment,
    "exactly": exactly,
    "machine": machine,
    "duration": duration,
    "source": source,
    "reason": reason,
    "share": share,
    "count": count,
    "exact_filter": exact_filter,
    "spelt": spelt,
}
