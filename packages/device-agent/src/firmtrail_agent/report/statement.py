"""What the agent says of itself: its version, which sources fail and since when, and whether its disk works."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from firmtrail import to_json
from firmtrail_agent import __version__
from firmtrail_agent.sources import Reading
from firmtrail_agent.state.spool import Spool
from firmtrail_agent.validation.redact import one_line

if TYPE_CHECKING:
    from firmtrail import AgentStatement, FailingSource

#: of all that fail: with the largest record it is still less than the 64 KiB that a server takes
_MAX_BYTES = 6 * 1024
_LONGEST_ERROR = 200
_LONGEST_NAME = 64
#: in the place of a source where none has anything to say
_NO_SOURCE = Reading(component="main", source="auto", error="no source gives a version")


class Statements:
    """Makes statements, and remembers since when each source fails for as long as the agent runs."""

    def __init__(self) -> None:
        #: by component and source: the boot clock in milliseconds; None: at every reading so far
        self._failing: dict[tuple[str, str], int | None] = {}
        self._is_first = True

    def make(self, readings: Sequence[Reading], spool: Spool, now_ms: int) -> AgentStatement:
        """Say how things stand after all sources were read, at `now_ms` of the boot clock."""
        from firmtrail import AgentStatement, FailingSource  # noqa: PLC0415  the start of the agent need not wait for it

        present = [reading for reading in readings if not reading.is_absent] or [_NO_SOURCE]
        failed = {(one.component, _name(one)): one for one in present if one.error}
        begun = None if self._is_first else now_ms
        self._failing = {key: self._failing.get(key, begun) for key in failed}
        self._is_first = False
        return AgentStatement(
            version=__version__,
            sources=_fitting(
                FailingSource(
                    component=component,
                    source=source,
                    error=one_line(one.error or "", _LONGEST_ERROR),
                    failing_since_ms=self._failing[component, source],
                )
                for (component, source), one in failed.items()
            ),
            spool_error=one_line(spool.trouble, _LONGEST_ERROR) if spool.trouble else None,
        )


def _fitting(sources: Iterable[FailingSource]) -> list[FailingSource]:
    """Take those that there is room for, the first ones."""
    kept: list[FailingSource] = []
    room = _MAX_BYTES
    for one in sources:
        room -= len(to_json(one))
        if room < 0:
            break
        kept.append(one)
    return kept


def _name(reading: Reading) -> str:
    return one_line(reading.source, _LONGEST_NAME) or "?"
