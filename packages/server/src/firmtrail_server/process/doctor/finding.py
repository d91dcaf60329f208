"""What was found: a line. It never holds the value of a secret setting."""

from __future__ import annotations

from enum import StrEnum

import attrs


class Grade(StrEnum):
    """How bad it is."""

    OK = "ok"
    #: it works, and costs something or will
    WARN = "warn"
    #: it does not work, or is not safe
    FAIL = "fail"


@attrs.frozen
class Finding:
    """A subject, how it is, and what mends it."""

    grade: Grade
    subject: str
    text: str

    @property
    def line(self) -> str:
        return f"{self.grade:<5} {self.subject:<11} {self.text}"


def ok(subject: str, text: str) -> Finding:
    return Finding(Grade.OK, subject, text)


def warn(subject: str, text: str) -> Finding:
    return Finding(Grade.WARN, subject, text)


def fail(subject: str, text: str) -> Finding:
    return Finding(Grade.FAIL, subject, text)
