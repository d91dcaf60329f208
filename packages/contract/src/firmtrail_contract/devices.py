"""Devices: the physical machines registered in a project."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs


@attrs.frozen(kw_only=True)
class Device:
    """A device."""

    id: uuid.UUID
    project_id: uuid.UUID
    #: unique in its project
    name: str
    created_at: dt.datetime
