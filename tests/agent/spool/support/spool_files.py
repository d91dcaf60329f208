"""What a spool holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from firmtrail_agent.state.spool import Spool

Opener = Callable[[], Spool]


def told(spool: Spool) -> list[tuple[str | None, int, int | None]]:
    return [
        (
            record.components[0].version,
            record.first_observed.boot_time_ms,
            record.last_observed.boot_time_ms if record.last_observed else None,
        )
        for record in spool.records
    ]


def files(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.rglob("*") if file.is_file())
