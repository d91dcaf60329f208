"""Users: the people who belong to projects."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs
from attrs.validators import optional

from firmtrail_contract.blanks import visible_text
from firmtrail_contract.invitations import invitation_secret_limits
from firmtrail_contract.limits import Bytes, email_limits

user_name_limits = visible_text(1, 100)
password_limits = Bytes(8, 72)


@attrs.frozen(kw_only=True)
class User:
    """A user."""

    id: uuid.UUID
    #: as it was typed; compared without regard to case
    email: str
    name: str
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class SignUp:
    """Who wants to be a user."""

    email: str = attrs.field(validator=email_limits)
    name: str = attrs.field(validator=user_name_limits)
    password: str = attrs.field(validator=password_limits, repr=False)
    #: the secret of an invitation, to join its project at once; some servers take nobody without
    invitation: str | None = attrs.field(default=None, validator=optional(invitation_secret_limits), repr=False)


@attrs.frozen(kw_only=True)
class SignUpReceipt:
    """If the address was not known, it has a user now. Whether it was known, nobody but its owner is told."""

    email: str


@attrs.frozen(kw_only=True)
class UserChange:
    """What shall be different about oneself; what is left out, or null, stays."""

    name: str | None = attrs.field(default=None, validator=optional(user_name_limits))


@attrs.frozen(kw_only=True)
class PasswordChange:
    """A new password, and the present one as a proof."""

    current_password: str = attrs.field(validator=Bytes(1, 72), repr=False)
    new_password: str = attrs.field(validator=password_limits, repr=False)
