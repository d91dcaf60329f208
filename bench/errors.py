"""Why a benchmark ends without a result."""

from __future__ import annotations


class CannotMeasure(Exception):
    """Something is missing, did not start or does not end; the message says what would help."""


class WrongAnswers(Exception):
    """Something measured did not do its work, so that its numbers are worth nothing."""
