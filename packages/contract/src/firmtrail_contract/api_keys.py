"""API keys: an id and a secret that belong to a project or to one device."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract.projects import Role


@attrs.frozen(kw_only=True)
class IssuedProjectApiKey:
    """A project's new API key, with the secret that is shown this once."""

    id: uuid.UUID
    project_id: uuid.UUID
    role: Role
    secret: str = attrs.field(repr=False)
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class IssuedDeviceApiKey:
    """A device's new API key, with the secret that is shown this once."""

    id: uuid.UUID
    device_id: uuid.UUID
    secret: str = attrs.field(repr=False)
    created_at: dt.datetime
