"""What a failed `structure` call refused: every field, with its place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)

from firmtrail_contract.limits import Violation, ViolationCode
from firmtrail_contract.problems import FieldError, FieldLocation


def field_errors(
    error: Exception, location: FieldLocation = FieldLocation.BODY, *, most: int | None = None
) -> list[FieldError]:
    """List every field that a failed `structure` call refused, or the first of them, with its JSON Pointer."""
    return [
        FieldError(location=location, pointer=pointer, code=violation.code, detail=violation.detail)
        for pointer, violation in islice(_violations(error, ""), most)
    ]


def _violations(error: Exception, pointer: str) -> Iterator[tuple[str, Violation]]:
    if isinstance(error, BaseValidationError):
        for inner in error.exceptions:
            yield from _violations(inner, pointer + _step(inner))
    elif isinstance(error, ForbiddenExtraKeysError):
        for name in sorted(error.extra_fields):
            yield pointer + _escaped(name), Violation(ViolationCode.UNKNOWN_FIELD, "is not a field here")
    elif isinstance(error, KeyError):
        yield pointer, Violation(ViolationCode.MISSING, "is required")
    elif isinstance(error, Violation):
        yield pointer, error
    else:
        raise TypeError("not an error of structuring") from error


def _step(error: Exception) -> str:
    for note in getattr(error, "__notes__", []):
        if isinstance(note, AttributeValidationNote):
            return _escaped(note.name)
        if isinstance(note, IterableValidationNote):
            return _escaped(str(note.index))
    return ""


def _escaped(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")
