"""The colour of a version: the same on every page, at any moment, whatever other versions there are. No I/O."""

from __future__ import annotations

import re
import zlib

#: colours of the style sheet, `.c0` to `.c7`: those of Okabe and Ito, which colour-blind people can tell apart
COLOURS = 8
#: so weighted, neighbours in a release history (1.4.0, 1.4.1, 1.5.0, 2.0.0) have different colours
_WEIGHTS = (5, 3, 1)
_NUMBER = re.compile(r"[0-9]+", re.ASCII)
_LONGEST_NUMBER = 18


def colour(version: str) -> str:
    """The class that gives a version its colour."""
    numbers = [int(digits[-_LONGEST_NUMBER:]) for digits in _NUMBER.findall(version)]
    if not numbers:
        return f"c{zlib.crc32(version.encode()) % COLOURS}"
    rest = sum(numbers[len(_WEIGHTS) :])
    return f"c{(sum(weight * number for weight, number in zip(_WEIGHTS, numbers, strict=False)) + rest) % COLOURS}"
