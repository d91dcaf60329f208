"""Invitations: whoever holds the secret of one may join its project."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract import (
    AuditAction,
    Invitation,
    InvitationAcceptance,
    IssuedInvitation,
    JoinedProject,
    NewInvitation,
    Page,
    PageQuery,
)
from firmtrail_server import joining
from firmtrail_server.credentials import SecretPrefix, digest, new_secret
from firmtrail_server.db import Connection
from firmtrail_server.errors import NotInTheFuture
from firmtrail_server.http.answers import Created
from firmtrail_server.http.context import Context, UserContext
from firmtrail_server.paging import page, position
from firmtrail_server.queries import project_invitations, projects, users
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.queries.project_invitations import StoredInvitation

LIFE = dt.timedelta(days=7)


async def create_invitation(ctx: Context, project_id: uuid.UUID, body: NewInvitation) -> Created[IssuedInvitation]:
    """Invite somebody. The secret is shown this once; it can be accepted once, by whoever holds it.

    With an e-mail address it is also sent there, where the server sends e-mail: `is_sent` says whether it was.
    """
    ctx.principal.require_all_of(body.role)
    expires_at = body.expires_at or ctx.now() + LIFE
    if expires_at <= ctx.now():
        raise NotInTheFuture("expires_at")
    secret = new_secret(SecretPrefix.INVITATION)
    new = StoredInvitation(
        role=body.role,
        email=body.email,
        secret_digest=digest(secret),
        created_by=ctx.principal.actor_id,
        created_at=ctx.now(),
        expires_at=expires_at,
    )

    async def work(conn: Connection) -> tuple[Invitation, str]:
        project = await projects.get(conn, project_id)
        invitation = await project_invitations.insert(conn, project_id, new)
        change = Change(AuditAction.INVITATION_CREATED, invitation.id, body.email or "", {"role": body.role})
        await ctx.record(conn, change)
        return invitation, project.name

    invitation, project_name = await ctx.db.retried(work)
    is_sent = body.email is not None and await _send(ctx, body.email, invitation, project_name, secret)
    return Created(IssuedInvitation(**attrs.asdict(invitation), secret=secret, is_sent=is_sent))


async def list_invitations(ctx: Context, project_id: uuid.UUID, query: PageQuery) -> Page[Invitation]:
    """List the invitations that nobody has accepted yet, oldest first, those that have expired included."""
    after = position(query, project_invitations.FIRST, project_id)
    found = await ctx.db.retried(
        lambda conn: project_invitations.list_invitations(conn, project_id, after, query.page_size + 1)
    )
    return page(found, query, project_id)


async def revoke_invitation(ctx: Context, project_id: uuid.UUID, invitation_id: uuid.UUID) -> None:
    """Revoke an invitation: nobody can accept it any more."""

    async def work(conn: Connection) -> None:
        invitation = await project_invitations.take(conn, project_id, invitation_id)
        await ctx.record(conn, Change(AuditAction.INVITATION_REVOKED, invitation.id, invitation.email or ""))

    await ctx.db.retried(work)


async def accept_invitation(ctx: UserContext, body: InvitationAcceptance) -> JoinedProject:
    """Join the project that an invitation is for; 404 when there is no such invitation, 409 when you are a member."""

    async def work(conn: Connection) -> JoinedProject:
        invitation = await joining.find_invitation(conn, body.secret, ctx.now())
        user = await users.get(conn, ctx.user_id)
        await joining.join(conn, invitation, user.id, ctx.now())
        joined = Change(AuditAction.MEMBER_JOINED, user.id, user.name, {"role": invitation.role})
        await ctx.record(conn, invitation.project_id, joined)
        project = await projects.get(conn, invitation.project_id)
        return JoinedProject(**attrs.asdict(project), role=invitation.role)

    return await ctx.db.retried(work)


async def _send(ctx: Context, email: str, invitation: Invitation, project_name: str, secret: str) -> bool:
    text = (
        f"You are invited to the project {project_name}, as {invitation.role}.\n\n"
        f"The server: {ctx.services.settings.issuer}\n"
        f"The invitation: {secret}\n\n"
        f"It can be accepted once, until {invitation.expires_at:%d %B %Y, %H:%M} UTC. Whoever holds it can accept it: "
        "keep it to yourself.\n"
    )
    return await ctx.services.mailer.send(email, f"An invitation to {project_name}", text)
