"""Invitations: how a user, or somebody who will be one, joins a project."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail._calls import Call, decode
from firmtrail._checks import body, path
from firmtrail._sync.paging import Pager
from firmtrail._sync.resource import Resource
from firmtrail_contract import Invitation, InvitationAcceptance, IssuedInvitation, JoinedProject, NewInvitation, Role

_INVITATIONS = "/v1/projects/{project_id}/invitations"
_INVITATION = "/v1/projects/{project_id}/invitations/{invitation_id}"


class Invitations(Resource):
    """Each is for one person, once, until it expires."""

    def create(
        self,
        project_id: uuid.UUID | str | None,
        role: Role | str,
        *,
        email: str | None = None,
        expires_at: dt.datetime | None = None,
    ) -> IssuedInvitation:
        """Invite somebody. The secret is shown this once.

        Args:
            project_id: the project to join; None: that of the API key.
            role: what the new member may do; at most what you may.
            email: where to send it, if the server sends e-mail; whoever holds the secret may accept it.
            expires_at: an aware datetime; in seven days, if left out.

        Raises:
            PermissionDeniedError: the role is above your own.
            InvalidRequestError: a value is not allowed.
        """
        said = body(NewInvitation, role=role, email=email, expires_at=expires_at)
        place = path(_INVITATIONS, project_id=project_id)
        answer = self._transport.send(Call(method="POST", path=place, body=said, repeatable=False))
        return decode(answer, IssuedInvitation)

    def list(
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[Invitation]:
        """List the invitations that nobody has accepted yet.

        Args:
            project_id: the project; None: that of the API key.
            limit: the most invitations to give in all.
            page_size: the most invitations to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return Pager(
            self._transport,
            path(_INVITATIONS, project_id=project_id),
            Invitation,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )

    def revoke(self, project_id: uuid.UUID | str | None, invitation_id: uuid.UUID | str) -> None:
        """Take an invitation back.

        Args:
            project_id: the project; None: that of the API key.
            invitation_id: the invitation.

        Raises:
            NotFoundError: there is no such invitation, or you may not see it.
            PermissionDeniedError: it takes an admin of the project.
        """
        place = path(_INVITATION, project_id=project_id, invitation_id=invitation_id)
        self._transport.send(Call(method="DELETE", path=place, repeatable=True))

    def accept(self, secret: str) -> JoinedProject:
        """Join the project that an invitation is for, as the user of this client.

        Args:
            secret: that of the invitation, `fti_...`.

        Raises:
            ConflictError: you are a member already.
            NotFoundError: no invitation has it: it was accepted or revoked, or has expired.
            PermissionDeniedError: it takes a login, and no API key.
        """
        said = body(InvitationAcceptance, secret=secret)
        call = Call(method="POST", path="/v1/invitations/accept", body=said, repeatable=False)
        return decode(self._transport.send(call), JoinedProject)
