"""Joining a project by an invitation, and the rule that no project loses its last admin."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail_contract import AuditAction, Invitation, Role
from firmtrail_server.auth.credentials import digest, is_well_formed
from firmtrail_server.db import Connection
from firmtrail_server.errors import AlreadyMember, InvitationNotFound, LastAdmin
from firmtrail_server.queries import invitations, members
from firmtrail_server.queries.audit_events import Change


async def find_invitation(conn: Connection, secret: str, now: dt.datetime) -> Invitation:
    """Find the invitation that a secret opens, or raise `InvitationNotFound`."""
    if not is_well_formed(secret):
        raise InvitationNotFound
    return await invitations.get_by_digest(conn, digest(secret), now)


async def join(conn: Connection, invitation: Invitation, user_id: uuid.UUID, now: dt.datetime) -> None:
    """Make a user a member; the invitation is used up by it.

    Raises:
        AlreadyMember: the user is one. The invitation stays.
        InvitationNotFound: somebody else was faster.
    """
    if await members.find_role(conn, invitation.project_id, user_id) is not None:
        raise AlreadyMember
    await invitations.take(conn, invitation.project_id, invitation.id)
    await members.insert(conn, invitation.project_id, user_id, invitation.role, now)


async def end_invitations(conn: Connection, project_id: uuid.UUID, inviter_id: uuid.UUID) -> list[Change]:
    """Revoke what was made by somebody who may not invite any more: nobody comes back, or in, by that."""
    ended = await invitations.take_of_inviter(conn, project_id, inviter_id)
    return [Change(AuditAction.INVITATION_REVOKED, one.id, one.email or "") for one in ended]


async def require_another_admin(conn: Connection, project_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Raise `LastAdmin` unless the project has an admin besides this user."""
    if not await members.count_other_admins(conn, project_id, user_id):
        raise LastAdmin([project_id])


async def leave_all(conn: Connection, user_id: uuid.UUID) -> list[uuid.UUID]:
    """Take a user out of every project, and return which these were.

    Raises:
        LastAdmin: some of them would have no admin left.
    """
    memberships = await members.list_memberships(conn, user_id)
    led = [one.project_id for one in memberships if one.role is Role.ADMIN]
    alone = [one for one in led if not await members.count_other_admins(conn, one, user_id)]
    if alone:
        raise LastAdmin(alone)
    await members.delete_of_user(conn, user_id)
    return [one.project_id for one in memberships]
