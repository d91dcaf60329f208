"""The members of a project."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract.projects import Role


@attrs.frozen(kw_only=True)
class Member:
    """A user in a project."""

    user_id: uuid.UUID
    name: str
    email: str
    role: Role
    joined_at: dt.datetime


@attrs.frozen(kw_only=True)
class MemberChange:
    """What shall be different about a member."""

    role: Role
