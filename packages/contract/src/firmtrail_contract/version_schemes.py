"""How the versions of a component are read when somebody asks for an order."""

from __future__ import annotations

from enum import StrEnum


class VersionScheme(StrEnum):
    """How versions are ordered. The strictest stands first: it accepts the fewest strings."""

    #: 20240503, 2024-05-03, 2024.05, each with or without something after it
    DATE = "date"
    #: semver.org 2.0.0, with or without a leading v
    SEMVER = "semver"
    #: numbers with dots between them, with or without a leading v; zeros at the end do not count: 1.4 is 1.4.0
    DOTTED = "dotted"
    #: Python's: 1.0rc1 < 1.0 < 1.0.post1
    PEP440 = "pep440"
    #: numbers by their value, words by the alphabet; it orders anything
    NATURAL = "natural"
