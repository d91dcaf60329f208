"""Projects, the owners that every other thing belongs to, and the roles in them."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import attrs

from firmtrail_contract.blanks import visible_text

project_name_limits = visible_text(1, 100)


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


@attrs.frozen(kw_only=True)
class JoinedProject(Project):
    """A project, with the role that you have in it."""

    role: Role


@attrs.frozen(kw_only=True)
class CurrentProject(Project):
    """The project of an API key, and what the key is."""

    api_key_id: uuid.UUID
    #: null for the key of a device and for an enrollment key
    role: Role | None
    #: the device whose key it is
    device_id: uuid.UUID | None


@attrs.frozen(kw_only=True)
class NewProject:
    """A project to make."""

    name: str = attrs.field(validator=project_name_limits)


@attrs.frozen(kw_only=True)
class ProjectChange:
    """What shall be different about a project."""

    name: str = attrs.field(validator=project_name_limits)


@attrs.frozen(kw_only=True)
class ProjectDeletion:
    """The proof that a deletion means this project."""

    #: the name of the project
    name: str = attrs.field(validator=project_name_limits)
