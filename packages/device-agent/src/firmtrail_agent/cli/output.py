"""What the commands print: aligned columns for people, JSON for programs; and onto what, if that cannot be written."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from firmtrail_agent.sources import Reading
from firmtrail_agent.validation.redact import LONGEST_LINE, cleaned

if TYPE_CHECKING:  # it brings the SDK, which not every command needs
    from _typeshed import ReadableBuffer

    from firmtrail_agent.report.report import Result


class Printed(io.FileIO):
    """Standard output, which never keeps a command from what it does: the first failure is kept for its end."""

    failure: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        if self.failure is None:
            try:
                return super().write(data)
            except OSError as failure:
                self.failure = failure
        return memoryview(data).nbytes


def open_streams() -> Printed:
    """Give the commands three streams to use, whichever of them the caller has closed."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123  for as long as the process lives
    before = sys.stdout
    printed = Printed(os.open(os.devnull, os.O_WRONLY) if before is None else before.fileno(), "w", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(printed),
        encoding="utf-8" if before is None else before.encoding,
        errors="backslashreplace",  # a version may hold what the locale cannot show
        line_buffering=printed.isatty(),
    )
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  the same
    return printed


def show(*lines: str) -> None:
    """Print lines; each argument is one, whatever somebody else wrote into it. Nothing is printed in another way."""
    sys.stdout.writelines(f"{cleaned(line)}\n" for line in lines)


def show_json(value: Any) -> None:
    """Print JSON for programs."""
    import json  # noqa: PLC0415  only who asks for it waits for it

    sys.stdout.write(json.dumps(cleaned(value), indent=2, ensure_ascii=False) + "\n")


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
        "source": reading.source,
        "detail": reading.detail,
    }


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    lines = [header, *([cleaned(cell)[:LONGEST_LINE] for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
