"""Invitations to projects that nobody has accepted yet."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract import Invitation, Role
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.db.keyset import EARLIEST, LOWEST_ID, Keyset, Position
from firmtrail_server.errors import InvitationNotFound

KEYSET = Keyset("invitations", {"created_at": EARLIEST, "id": LOWEST_ID})


@attrs.frozen(kw_only=True)
class StoredInvitation:
    """An invitation to store."""

    role: Role
    email: str | None
    secret_digest: bytes = attrs.field(repr=False)
    created_by: uuid.UUID
    created_at: dt.datetime
    expires_at: dt.datetime


async def insert(conn: Connection, project_id: uuid.UUID, new: StoredInvitation) -> Invitation:
    async with conn.cursor(row_factory=rows(Invitation)) as cur:
        await cur.execute(
            """
            insert into project_invitations (project_id, role, email, secret_digest, created_by, created_at, expires_at)
            values (%(project_id)s, %(role)s, %(email)s, %(secret_digest)s, %(created_by)s, %(created_at)s,
                    %(expires_at)s)
            returning id, project_id, role, email, created_by, created_at, expires_at
            """,
            {"project_id": project_id, **attrs.asdict(new)},
        )
        return await one(cur)


async def list_invitations(conn: Connection, project_id: uuid.UUID, after: Position, limit: int) -> list[Invitation]:
    """The project's open invitations, oldest first, those that have expired included."""
    async with conn.cursor(row_factory=rows(Invitation)) as cur:
        await cur.execute(
            """
            select id, project_id, role, email, created_by, created_at, expires_at
              from project_invitations
             where project_id = %(project_id)s
               and (created_at, id) > (%(created_at)s, %(id)s)
             order by created_at, id
             limit %(limit)s
            """,
            {"project_id": project_id, "limit": limit, **after},
        )
        return await cur.fetchall()


async def take(conn: Connection, project_id: uuid.UUID, invitation_id: uuid.UUID) -> Invitation:
    """Delete an invitation and return it, or raise `InvitationNotFound`."""
    async with conn.cursor(row_factory=rows(Invitation)) as cur:
        await cur.execute(
            """
            delete from project_invitations
             where project_id = %(project_id)s
               and id = %(invitation_id)s
            returning id, project_id, role, email, created_by, created_at, expires_at
            """,
            {"project_id": project_id, "invitation_id": invitation_id},
        )
        if (invitation := await cur.fetchone()) is None:
            raise InvitationNotFound
        return invitation


async def take_of_inviter(conn: Connection, project_id: uuid.UUID, inviter_id: uuid.UUID) -> list[Invitation]:
    """Delete the invitations that a user or an API key has made, and return them."""
    async with conn.cursor(row_factory=rows(Invitation)) as cur:
        await cur.execute(
            """
            delete from project_invitations
             where project_id = %(project_id)s
               and created_by = %(inviter_id)s
            returning id, project_id, role, email, created_by, created_at, expires_at
            """,
            {"project_id": project_id, "inviter_id": inviter_id},
        )
        return await cur.fetchall()


async def get_by_digest(conn: Connection, secret_digest: bytes, now: dt.datetime) -> Invitation:
    """Look up a living invitation to a living project, or raise `InvitationNotFound`. It tells the project."""
    async with conn.cursor(row_factory=rows(Invitation)) as cur:
        await cur.execute(
            """
            select project_invitations.id, project_invitations.project_id, project_invitations.role,
                   project_invitations.email, project_invitations.created_by, project_invitations.created_at,
                   project_invitations.expires_at
              from project_invitations
              join projects
                on projects.id = project_invitations.project_id
               and projects.deleted_at is null
             where project_invitations.secret_digest = %(secret_digest)s
               and project_invitations.expires_at > %(now)s
            """,
            {"secret_digest": secret_digest, "now": now},
        )
        if (invitation := await cur.fetchone()) is None:
            raise InvitationNotFound
        return invitation
