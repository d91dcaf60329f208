"""The language of `version=`: which versions of a component are meant. No I/O.

    1.4.2           this version
    ==a,b*          this version, whatever characters it has
    1.4.*           1.4 and whatever begins with 1.4. (case and a leading v do not count)
    >=1.4,<1.5      all of these comparisons hold: >= <= > < !=

Comparisons follow the order of `version_order`: 1.5.0-rc1 is lower than 1.5. A version outside the component's scheme
is neither lower nor higher than any, so that only != lets it pass.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from difflib import SequenceMatcher
from heapq import nsmallest
from itertools import takewhile
from typing import Protocol

import attrs

from firmtrail_contract import VersionScheme
from firmtrail_contract.version_order import Order, compare_with_bound, is_bound, sort_key

MAX_FILTER_LENGTH = 512
MAX_COMPARISONS = 8
MAX_NEAR = 5
# What `near` compares letter by letter, which may take a millisecond a version.
_MAX_COMPARED = 100
_MAX_COMPARED_LENGTH = 128
_ALIKE = 0.6

_HOW_TO_WRITE = "Write a version (1.4.2), a prefix (1.4.*), or comparisons joined by commas (>=1.4,<1.5)."


class VersionFilterInvalid(ValueError):
    """The text is no filter, or its bound cannot be compared; the message says what to write."""


class VersionFilter(Protocol):
    """Which versions are meant. `str()` gives a text that parses to an equal filter."""

    def matches(self, version: str, scheme: VersionScheme) -> bool:
        """Say whether a version is meant. Raises VersionFilterInvalid if a bound does not fit the scheme."""
        ...


@attrs.frozen
class ExactVersion:
    """One version, character by character."""

    version: str

    def matches(self, version: str, scheme: VersionScheme) -> bool:  # noqa: ARG002 - no scheme makes another string the same
        return version == self.version

    def __str__(self) -> str:
        return f"=={self.version}" if _needs_equals(self.version) else self.version


@attrs.frozen
class VersionPrefix:
    """All versions that begin with a prefix, which ends in a separator; what stands before the separator is one too."""

    prefix: str

    def matches(self, version: str, scheme: VersionScheme) -> bool:  # noqa: ARG002 - a prefix needs no order
        folded, prefix = _folded(version), _folded(self.prefix)
        return folded.startswith(prefix) or folded == prefix[:-1]

    def __str__(self) -> str:
        return f"{self.prefix}*"


@attrs.frozen
class Comparison:
    operator: str
    bound: str

    def matches(self, version: str, scheme: VersionScheme) -> bool:
        order = compare_with_bound(version, self.bound, scheme)
        if self.operator == "!=":
            return version != self.bound and order is not Order.EQUAL
        if not is_bound(self.bound, scheme):
            raise VersionFilterInvalid(
                f"{self.operator}{self.bound}: '{self.bound}' cannot be compared: the versions of this component are "
                f"ordered as {scheme}. Write a bound of that kind, or name versions by 1.4.2 or 1.4.*"
            )
        return order in _ORDERS[self.operator]

    def __str__(self) -> str:
        return f"{self.operator}{self.bound}"


@attrs.frozen
class VersionRange:
    """Comparisons that must all hold."""

    comparisons: tuple[Comparison, ...]

    def matches(self, version: str, scheme: VersionScheme) -> bool:
        # Each bound is checked, whatever the first comparison says.
        holds = [comparison.matches(version, scheme) for comparison in self.comparisons]
        return all(holds)

    def __str__(self) -> str:
        return ",".join(map(str, self.comparisons))


_ORDERS = {
    ">=": (Order.HIGHER, Order.EQUAL),
    "<=": (Order.LOWER, Order.EQUAL),
    ">": (Order.HIGHER,),
    "<": (Order.LOWER,),
}
_COMPARISON = re.compile(r"(>=|<=|!=|>|<)(.*)", re.DOTALL)


def parse_filter(text: str) -> VersionFilter:
    """Read a filter. Raises VersionFilterInvalid, whose message says what to write."""
    text = text.strip()
    _check_text(text)
    if text.startswith("=="):
        return ExactVersion(_operand(text, text[2:]))
    if text.startswith("="):
        raise VersionFilterInvalid(f"'{text}' begins with one '='. Write =={text[1:]} for exactly this version.")
    if _COMPARISON.match(text):
        return _range(text)
    if "," in text:
        raise VersionFilterInvalid(
            f"'{text}' has a comma. Write =={text} if it belongs to the version. {_HOW_TO_WRITE}"
        )
    return _prefix(text) if "*" in text else ExactVersion(text)


def _check_text(text: str) -> None:
    if not text:
        raise VersionFilterInvalid(f"The filter is empty. {_HOW_TO_WRITE}")
    if len(text) > MAX_FILTER_LENGTH:
        raise VersionFilterInvalid(f"The filter is {len(text)} characters long; at most {MAX_FILTER_LENGTH} are read.")


def _prefix(text: str) -> VersionPrefix:
    prefix = text[:-1]
    # A prefix of separators alone would mean a version of no character.
    if text.endswith("*") and "*" not in prefix and prefix[:-1].strip() and not prefix[-1].isalnum():
        return VersionPrefix(prefix)
    raise VersionFilterInvalid(
        f"'{text}': a * stands at the end, after a version and a separator: 1.4.* or 5.15.0-*. "
        f"Write =={text} if the * belongs to the version."
    )


def _range(text: str) -> VersionRange:
    clauses = text.split(",")
    if len(clauses) > MAX_COMPARISONS:
        raise VersionFilterInvalid(f"The filter has {len(clauses)} comparisons; at most {MAX_COMPARISONS} are read.")
    return VersionRange(tuple(_comparison(clause.strip()) for clause in clauses))


def _comparison(clause: str) -> Comparison:
    match = _COMPARISON.fullmatch(clause)
    if match is None:
        raise VersionFilterInvalid(f"'{clause}' is no comparison. Each one begins with >=, <=, >, < or !=: >=1.4,<1.5")
    bound = _operand(clause, match[2].strip())
    if "*" in bound or bound.startswith(("=", "<", ">")):
        raise VersionFilterInvalid(f"'{clause}': a comparison takes a version without an operator or a *: >=1.4,<1.5")
    return Comparison(match[1], bound)


def _operand(clause: str, operand: str) -> str:
    if not operand:
        raise VersionFilterInvalid(f"'{clause}' names no version. Write one after the operator: {clause}1.4.2")
    return operand


def _needs_equals(version: str) -> bool:
    """Say whether a version, written alone, would be read as something else."""
    return version.startswith(("=", "<", ">", "!=")) or "*" in version or "," in version


def _folded(text: str) -> str:
    return re.sub(r"^v(?=[0-9])", "", text.casefold())


def near(text: str, known_versions: Iterable[str]) -> list[str]:
    """Name at most five known versions that a filter which found none may have meant, the most likely first.

    First those that differ in case, blanks, a leading v or a build suffix; then those that go on where the text ends,
    at a separator before inside a number; then those of similar letters, of which the ones that begin alike come first,
    and of these the next lower or higher ones.
    Of a filter with several versions the first counts.
    """
    first = text.split(",", maxsplit=1)[0].strip().lstrip("=<>!").rstrip("*")
    wanted = _bare(first)[:_MAX_COMPARED_LENGTH].rstrip("-._")
    bare = {version: _bare(version) for version in known_versions}
    continuing = {version: rank for version, text in bare.items() if (rank := _continuation(text, wanted)) is not None}
    found = nsmallest(MAX_NEAR, continuing, key=lambda version: (continuing[version], len(version), version))
    rest = {version: text for version, text in bare.items() if version not in continuing}
    return [*found, *_alike(wanted, rest)][:MAX_NEAR]


def _bare(version: str) -> str:
    """Leave out what people leave out or add without thinking."""
    return _folded("".join(version.split())).split("+")[0]


def _continuation(text: str, wanted: str) -> int | None:
    if not wanted or not text.startswith(wanted):
        return None
    following = text[len(wanted) : len(wanted) + 1]
    return 2 if following.isalnum() else 1 if following else 0


def _alike(wanted: str, bare: dict[str, str]) -> list[str]:
    """Compare letter by letter the versions that begin most alike; the nearest in order first, of those as alike."""
    compared = nsmallest(_MAX_COMPARED, bare, key=lambda version: (*_distance(bare[version], wanted), version))
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    ratios = {version: _ratio(matcher, bare[version], wanted) for version in compared}
    steps = _steps(wanted, {version: bare[version] for version in compared})
    alike = [version for version, ratio in ratios.items() if ratio >= _ALIKE]
    return sorted(
        alike, key=lambda version: (-ratios[version], *_distance(bare[version], wanted), steps[version], version)
    )


def _steps(wanted: str, bare: dict[str, str]) -> dict[str, int]:
    """How many versions away each one is from where the wanted one would be."""
    in_order = sorted(bare, key=lambda version: (sort_key(bare[version], VersionScheme.NATURAL), version))
    keys = [sort_key(bare[version], VersionScheme.NATURAL) for version in in_order]
    place = bisect_left(keys, sort_key(wanted, VersionScheme.NATURAL))
    return {version: place - at if at < place else at - place + 1 for at, version in enumerate(in_order)}


def _distance(text: str, wanted: str) -> tuple[int, int]:
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(text, wanted, strict=False))
    return -sum(1 for _ in alike), abs(len(text) - len(wanted))


def _ratio(matcher: SequenceMatcher[str], text: str, wanted: str) -> float:
    """How alike they are, also by as many numbers as the wanted one has: 1.6 of 1.6.0 for 1.7."""
    beginning = ".".join(text.split(".")[: wanted.count(".") + 1]) if "." in wanted else text
    return max(_compared(matcher, one[:_MAX_COMPARED_LENGTH]) for one in {text, beginning})


def _compared(matcher: SequenceMatcher[str], text: str) -> float:
    matcher.set_seq1(text)
    return matcher.ratio() if matcher.quick_ratio() >= _ALIKE else 0.0
