"""What an endpoint asks for: which periods, and how they are read."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

import attrs

from firmtrail_contract import ExportStart
from firmtrail_server.queries.exports import Selection, Stretch


@attrs.frozen(kw_only=True)
class Export:
    """The history of a project's devices: whole in one statement, or stretch by stretch."""

    project_id: uuid.UUID
    selection: Selection
    start: ExportStart
    #: go on after this device
    after: uuid.UUID
    #: raises unless the caller still may read: asked before the end is written
    permit: Callable[[], Awaitable[object]]
    #: finds the stretch of so many devices after one, if the caller still may read; of whole exports None
    next_stretch: Callable[[uuid.UUID, int], Awaitable[Stretch | None]] | None
