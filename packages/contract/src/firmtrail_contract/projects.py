"""Projects, the owners that every other thing belongs to, and the roles in them."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import attrs


class Role(StrEnum):
    """What a member or an API key of a project may do, from least to most."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


@attrs.frozen(kw_only=True)
class Project:
    """A project."""

    id: uuid.UUID
    name: str
    created_at: dt.datetime
