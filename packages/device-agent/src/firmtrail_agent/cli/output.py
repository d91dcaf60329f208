"""What the commands print onto, if that cannot be written; and that all which is printed is cleaned."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

from firmtrail_agent.validation.redact import cleaned

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


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
