"""What a value may be: validators that models carry, and the one error they raise.

The server's 422, the SDK's checks before sending and the limits in openapi.json all come from these objects.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cached_property
from typing import Any

import attrs


class ViolationCode(StrEnum):
    """Why one field of a request was refused; stable, for programs."""

    MISSING = "missing"
    UNKNOWN_FIELD = "unknown_field"
    WRONG_TYPE = "wrong_type"
    MALFORMED = "malformed"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    OUT_OF_RANGE = "out_of_range"
    FORBIDDEN_CHARACTERS = "forbidden_characters"
    UNKNOWN_VALUE = "unknown_value"
    TAKEN = "taken"


class Violation(ValueError):
    """A value that its field does not allow; the message says what would be."""

    def __init__(self, code: ViolationCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


#: One line of visible text: no control characters, line separators or marks that reorder what is shown.
#: Written out as ranges, so that Python, JSON Schema and every Unicode version agree on it.
PRINTABLE = (
    "[^\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069"
    "\\ud800-\\udfff\\ufeff\\ufffe\\uffff]"
)
IDENTIFIER = "^[a-z0-9][a-z0-9._-]*$"


@attrs.frozen
class Text:
    """Between `min_length` and `max_length` characters (code points), every one of them allowed by `pattern`."""

    min_length: int
    max_length: int
    pattern: str = f"^{PRINTABLE}*$"
    #: completes the sentence "must ..."
    rule: str = "hold no control characters"
    #: what is checked in the place of `pattern`, where that says less: it is published, for other languages
    checked_pattern: str | None = None

    @cached_property
    def _allowed(self) -> re.Pattern[str]:
        length = f"(?=(?s:.{{{self.min_length},{self.max_length}}})\\Z)"
        return re.compile(length + (self.checked_pattern or self.pattern).removesuffix("$") + r"\Z")

    def __call__(self, _instance: object, _attribute: attrs.Attribute[Any], value: str) -> None:
        if not self._allowed.match(value):
            raise self.violation(value)

    def check(self, value: str) -> None:
        """Raise `Violation` unless the value is allowed."""
        if not self._allowed.match(value):
            raise self.violation(value)

    def allows(self, value: str) -> bool:
        return self._allowed.match(value) is not None

    def violation(self, value: str) -> Violation:
        """Say why a value is not allowed."""
        if len(value) < self.min_length:
            return Violation(ViolationCode.TOO_SHORT, f"must have at least {self.min_length} character(s)")
        if len(value) > self.max_length:
            return Violation(ViolationCode.TOO_LONG, f"must have at most {self.max_length} characters")
        return Violation(ViolationCode.FORBIDDEN_CHARACTERS, f"must {self.rule}")


@attrs.frozen
class Bytes:
    """Text of `min_length` to `max_length` bytes in UTF-8, without control characters."""

    min_length: int
    max_length: int

    @property
    def rule(self) -> str:
        return f"have {self.min_length} to {self.max_length} bytes in UTF-8, and no control characters"

    def __call__(self, instance: object, attribute: attrs.Attribute[Any], value: str) -> None:
        Text(0, self.max_length)(instance, attribute, value)
        length = len(value.encode())
        if not self.min_length <= length <= self.max_length:
            code = ViolationCode.TOO_SHORT if length < self.min_length else ViolationCode.TOO_LONG
            raise Violation(code, f"must {self.rule}")


@attrs.frozen
class Range:
    """A whole number from `minimum` to `maximum`, both included."""

    minimum: int
    maximum: int

    def __call__(self, _instance: object, _attribute: attrs.Attribute[Any], value: int) -> None:
        if not self.minimum <= value <= self.maximum:
            raise Violation(ViolationCode.OUT_OF_RANGE, f"must be from {self.minimum} to {self.maximum}")


@attrs.frozen
class Count:
    """A list of `minimum` to `maximum` items."""

    minimum: int
    maximum: int

    def __call__(self, _instance: object, _attribute: attrs.Attribute[Any], value: list[Any]) -> None:
        self.check_count(value)

    def check_count(self, value: list[Any]) -> None:
        """Raise `Violation` when there are too few or too many."""
        if len(value) < self.minimum:
            raise Violation(ViolationCode.TOO_SHORT, f"must have at least {self.minimum} item(s)")
        if len(value) > self.maximum:
            raise Violation(ViolationCode.TOO_LONG, f"must have at most {self.maximum} items")


@attrs.frozen
class Texts(Count):
    """A list of different texts, each of them within the limits of one."""

    text: Text

    def __call__(self, instance: object, attribute: attrs.Attribute[Any], value: list[Any]) -> None:
        self.check_count(value)
        for one in value:
            self.text(instance, attribute, one)
        if len({*value}) < len(value):
            raise Violation(ViolationCode.MALFORMED, "must be different from one another")


#: the HTML standard's definition: ASCII alone, so that no two addresses look or compare alike by accident. Without what
#: looks like an encoded word (RFC 2047): some mail servers send to what it stands for
email_limits = Text(
    3,
    254,
    "^(?!.*=\\?)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    "(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$",
    "be an e-mail address such as ada@example.com",
)
