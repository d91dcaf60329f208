"""Invitations: how a user, or somebody who will be one, joins a project."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs
from attrs.validators import optional

from firmtrail_contract.limits import Text, email_limits
from firmtrail_contract.projects import Role

invitation_secret_limits = Text(1, 100)


@attrs.frozen(kw_only=True)
class NewInvitation:
    """An invitation to make."""

    #: at most the role of who makes it
    role: Role
    #: where to send it, if the server sends e-mail; whoever holds the secret may accept it
    email: str | None = attrs.field(default=None, validator=optional(email_limits))
    #: null: in seven days
    expires_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class Invitation:
    """An invitation that nobody has accepted yet."""

    id: uuid.UUID
    project_id: uuid.UUID
    role: Role
    email: str | None
    #: the user or the API key that made it; it ends when they may not invite any more
    created_by: uuid.UUID | None
    created_at: dt.datetime
    expires_at: dt.datetime


@attrs.frozen(kw_only=True)
class IssuedInvitation(Invitation):
    """A new invitation, with the secret that is shown this once. It may be part of a link."""

    secret: str = attrs.field(repr=False)
    #: whether the secret was sent to `email`; otherwise it is for you to hand over
    is_sent: bool


@attrs.frozen(kw_only=True)
class InvitationAcceptance:
    """An invitation that shall be accepted."""

    secret: str = attrs.field(validator=invitation_secret_limits, repr=False)
