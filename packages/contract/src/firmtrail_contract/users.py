"""Users: the people who belong to projects."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs
from attrs.validators import optional

from firmtrail_contract.blanks import visible_text
from firmtrail_contract.invitations import invitation_secret_limits
from firmtrail_contract.limits import Bytes, Text, email_limits

user_name_limits = visible_text(1, 100)
password_limits = Bytes(8, 72)
code_limits = Text(1, 100)


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
    #: The server sends e-mail, so the user comes into being when the code is confirmed that was sent to the address. If
    #: the address has a user already, the e-mail says that instead.
    must_confirm: bool = False


@attrs.frozen(kw_only=True)
class SignUpConfirmation:
    """The code of a sign-up's e-mail, with the password of that sign-up: neither alone makes a user."""

    code: str = attrs.field(validator=code_limits, repr=False)
    password: str = attrs.field(validator=Bytes(1, 72), repr=False)


@attrs.frozen(kw_only=True)
class PasswordResetRequest:
    """Whose password is forgotten."""

    email: str = attrs.field(validator=email_limits)


@attrs.frozen(kw_only=True)
class PasswordResetReceipt:
    """If the address has a user, a code is on its way to it."""

    email: str


@attrs.frozen(kw_only=True)
class PasswordReset:
    """A new password, and the code of the e-mail as a proof."""

    code: str = attrs.field(validator=code_limits, repr=False)
    new_password: str = attrs.field(validator=password_limits, repr=False)


@attrs.frozen(kw_only=True)
class UserChange:
    """What shall be different about oneself; what is left out, or null, stays."""

    name: str | None = attrs.field(default=None, validator=optional(user_name_limits))


@attrs.frozen(kw_only=True)
class PasswordChange:
    """A new password, and the present one as a proof."""

    current_password: str = attrs.field(validator=Bytes(1, 72), repr=False)
    new_password: str = attrs.field(validator=password_limits, repr=False)
