"""Readings and results as aligned columns for people, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from firmtrail_agent.sources import Reading
from firmtrail_agent.validation.redact import LONGEST_LINE, cleaned

if TYPE_CHECKING:  # it brings the SDK, which `version` does not need
    from firmtrail_agent.report.results import Result


def results_table(results: Sequence[Result]) -> list[str]:
    rows = [(result.reading.component, result.reading.version or "-", _outcome(result)) for result in results]
    return _table(("COMPONENT", "VERSION", "RESULT"), rows)


def results_json(results: Sequence[Result]) -> dict[str, Any]:
    return {"components": [_result(result) for result in results]}


def readings_table(readings: Sequence[Reading]) -> list[str]:
    rows = [(reading.component, reading.version or "-") for reading in readings if not reading.is_absent]
    return _table(("COMPONENT", "VERSION"), rows)


def explained_table(readings: Sequence[Reading]) -> list[str]:
    """Show also where each version stood, what failed, and what this device does not have."""
    rows = [
        (reading.component, reading.version or "-", reading.source, _answer(reading), reading.error or reading.detail)
        for reading in readings
    ]
    return _table(("COMPONENT", "VERSION", "SOURCE", "ANSWER", "DETAIL"), rows)


def readings_json(readings: Sequence[Reading]) -> dict[str, Any]:
    return {"components": [_reading(reading) for reading in readings]}


def _answer(reading: Reading) -> str:
    if reading.error:
        return "failed"
    if reading.gone:
        return "gone"
    return "not here" if reading.is_absent else "found"


def _outcome(result: Result) -> str:
    if result.reading.error:
        return "no version"
    if result.failure:
        return str(result.failure.trouble)
    return result.outcome or "not sent"


def _result(result: Result) -> dict[str, Any]:
    trouble = result.failure.trouble.name.lower() if result.failure else None
    return _reading(result.reading) | {"outcome": result.outcome, "trouble": trouble, "error": result.error}


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "component": reading.component,
        "version": reading.version,
        "error": reading.error,
        "gone": reading.gone,
        "source": reading.source,
        "detail": reading.detail,
    }


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    lines = [header, *([cleaned(cell)[:LONGEST_LINE] for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
