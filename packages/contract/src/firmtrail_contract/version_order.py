"""Which of two firmware versions is the later one. No I/O.

A version is the device's own string and is never parsed to be accepted. It is parsed here, when somebody asks for an
order, under a scheme: one that is asked for, or the one that `detect_scheme` finds.

A version that does not fit the scheme is *outside* of it. It is sorted before all that fit, and it is neither lower nor
higher than another version: a build named `test` is no rollback.

SemVer and PEP 440 are read by the libraries `semver` and `packaging`. Dotted numbers, dates and the natural order are
no standards; their rules stand here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import Any

import packaging.version
import semver

from firmtrail_contract import VersionScheme

#: A key to compare with keys of the same scheme alone; equal keys have the same precedence.
Key = Any


class Order(StrEnum):
    """What the first of two versions is, seen from the second."""

    LOWER = "lower"
    EQUAL = "equal"
    HIGHER = "higher"
    #: one of them does not fit the scheme
    UNKNOWN = "unknown"


def detect_scheme(versions: Iterable[str]) -> VersionScheme:
    """Find the strictest scheme that all given versions fit, or else the strictest that nine in ten of them fit.

    The answer depends on the set of versions alone. Nine in ten, because one build made by hand ("test") should not
    cost a fleet the order of all its releases. All come first, because the strictest for most may be wrong: 2024.02.1
    to 2024.02.32 are nearly all dates, and all of them are dotted numbers.
    """
    known = set(versions)
    outside = {scheme: sum(not fits(version, scheme) for version in known) for scheme in _candidates(known)}
    that_all_fit = (scheme for scheme, misfits in outside.items() if misfits == 0)
    that_most_fit = (scheme for scheme, misfits in outside.items() if misfits * 10 <= len(known))
    return next(chain(that_all_fit, that_most_fit), VersionScheme.NATURAL)


# 5.15.0-91-generic, 1.2.3-5-gabcdef, 1.2.3-1: a build after the release. SemVer would call it a pre-release, and
# 5.15.0-100-generic lower than 5.15.0-91-generic.
_BUILD_AFTER_RELEASE = re.compile(r"[vV]?[0-9]+\.[0-9]+\.[0-9]+-[0-9]")


def _candidates(known: set[str]) -> list[VersionScheme]:
    """List the schemes that may be detected, the strictest first."""
    if not known:
        return []
    has_builds = any(_BUILD_AFTER_RELEASE.match(version) for version in known)
    return [
        VersionScheme.DATE,
        *([] if has_builds else [VersionScheme.SEMVER]),
        VersionScheme.DOTTED,
        VersionScheme.PEP440,
    ]


def fits(version: str, scheme: VersionScheme) -> bool:
    """Say whether a version can be read under a scheme."""
    return _key(version, scheme) is not None


def sort_key(version: str, scheme: VersionScheme) -> tuple[bool, Key, str]:
    """Give a key by which any versions have one order: outside the scheme first, versions of one precedence by text."""
    key = _key(version, scheme)
    return (False, _natural(version), version) if key is None else (True, key, version)


def sorted_versions(versions: Iterable[str], scheme: VersionScheme) -> list[str]:
    """Sort versions, the lowest first."""
    return sorted(versions, key=lambda version: sort_key(version, scheme))


def compare(version: str, other: str, scheme: VersionScheme) -> Order:
    """Say whether `version` is lower or higher than `other`, or equal in precedence: 1.0.0+a and 1.0.0+b in SemVer."""
    return _order(_key(version, scheme), _key(other, scheme))


def compare_with_bound(version: str, bound: str, scheme: VersionScheme) -> Order:
    """Compare with a bound that a person wrote, which may be shorter than a version: 1.4 for SemVer, 2024 for dates."""
    return _order(_key(version, scheme), _key(_lengthened(bound, scheme), scheme))


def is_bound(bound: str, scheme: VersionScheme) -> bool:
    """Say whether versions can be compared with a bound under a scheme."""
    return fits(_lengthened(bound, scheme), scheme)


def newer_known(versions: Iterable[str], scheme: VersionScheme) -> dict[str, bool | None]:
    """Say of each version whether a higher one is among them; None for those outside the scheme.

    Pre-releases count: 2.0.0-rc1 is newer than 1.9.0.
    """
    known = list(versions)
    newest = max(known, key=lambda version: sort_key(version, scheme), default="")
    orders = {version: compare(version, newest, scheme) for version in known}
    return {version: None if order is Order.UNKNOWN else order is Order.LOWER for version, order in orders.items()}


def _order(key: Key | None, other: Key | None) -> Order:
    if key is None or other is None:
        return Order.UNKNOWN
    if key == other:
        return Order.EQUAL
    return Order.LOWER if key < other else Order.HIGHER


# A fleet has some hundred versions, and each is compared with many others.
@lru_cache(maxsize=4096)
def _key(version: str, scheme: VersionScheme) -> Key | None:
    """Read a version, or say by None that it does not fit."""
    return _READERS[scheme](version)


_LEADING_V = re.compile(r"^[vV](?=[0-9])")


def _semver(version: str) -> semver.Version | None:
    try:
        return semver.Version.parse(_LEADING_V.sub("", version))
    except ValueError:
        return None


def _pep440(version: str) -> packaging.version.Version | None:
    try:
        return packaging.version.Version(version)
    except packaging.version.InvalidVersion:
        return None


_DOTTED = re.compile(r"[vV]?([0-9]+(?:\.[0-9]+)*)")


def _dotted(version: str) -> tuple[int, ...] | None:
    match = _DOTTED.fullmatch(version)
    if match is None:
        return None
    numbers = [int(number) for number in match[1].split(".")]
    while numbers[1:] and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


# A year, a month and perhaps a day, with the same separator between them; or all three without any. What follows is a
# time or a build: T1200, -rc2, .1
_DATE = re.compile(
    r"[vV]?(?P<year>(?:19[7-9]|20[0-9])[0-9])"
    r"(?:(?P<packed>[0-9]{4})"
    r"|(?P<separator>[-._])(?P<month>[0-9]{1,2})"
    r"(?:(?P=separator)(?P<day>[0-9]{1,2})|(?!(?P=separator)[0-9])))"
    r"(?P<rest>[^0-9].*)?",
    re.DOTALL,
)


def _date(version: str) -> tuple[int, int, int, Key] | None:
    match = _DATE.fullmatch(version)
    if match is None:
        return None
    packed = match["packed"] or ""
    year, month, day = int(match["year"]), int(match["month"] or packed[:2]), int(match["day"] or packed[2:] or 0)
    try:
        dt.date(year, month, day or 1)
    except ValueError:
        return None
    return year, month, day, _parts(match["rest"] or "")


# The parts of a version in natural order. A part compares by its kind first, so that 1.0-rc1 < 1.0 < 1.0a < 1.0.1.
_BEFORE_THE_END, _END, _WORD, _NUMBER = range(4)
# What people append to a version that is still to come, the furthest from it first. `~` is Debian's.
_PRE_RELEASES = ("~", "dev", "snapshot", "alpha", "beta", "pre", "preview", "rc")
_PART = re.compile(r"[0-9]+|[a-z]+|~|[^\x00-\x7f]+")


def _natural(version: str) -> tuple[tuple[int, int, str], ...]:
    """Read any text as numbers and words; case, separators, leading zeros and a leading v do not count."""
    return _parts(_LEADING_V.sub("", version))


def _parts(text: str) -> tuple[tuple[int, int, str], ...]:
    return (*(_part(part) for part in _PART.findall(text.lower())), (_END, 0, ""))


def _part(part: str) -> tuple[int, int, str]:
    if part in _PRE_RELEASES:
        return _BEFORE_THE_END, _PRE_RELEASES.index(part), ""
    return (_NUMBER, int(part), "") if part[0] in "0123456789" else (_WORD, 0, part)


_READERS: dict[VersionScheme, Callable[[str], Key | None]] = {
    VersionScheme.DATE: _date,
    VersionScheme.SEMVER: _semver,
    VersionScheme.DOTTED: _dotted,
    VersionScheme.PEP440: _pep440,
    VersionScheme.NATURAL: _natural,
}

_SHORT_SEMVER = re.compile(r"([vV]?[0-9]+(?:\.[0-9]+)?)([-+].*)?", re.DOTALL)
_YEAR = re.compile(r"[0-9]{4}")


def _lengthened(bound: str, scheme: VersionScheme) -> str:
    if scheme is VersionScheme.SEMVER and (short := _SHORT_SEMVER.fullmatch(bound)):
        return short[1] + ".0" * (2 - short[1].count(".")) + (short[2] or "")
    if scheme is VersionScheme.DATE and _YEAR.fullmatch(bound):
        return f"{bound}-01"
    return bound
