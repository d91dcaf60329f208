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
from firmtrail_server.auth.credentials import SecretPrefix, digest, new_secret
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.errors import NotInTheFuture
from firmtrail_server.http.context import Context, PublicContext, UserContext
from firmtrail_server.http.results import Created
from firmtrail_server.queries import invitations, projects, users
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.queries.invitations import StoredInvitation
from firmtrail_server.services import membership

LIFE = dt.timedelta(days=7)


async def create_invitation(
    ctx: Context, conn: Connection, project_id: uuid.UUID, body: NewInvitation
) -> Created[IssuedInvitation]:
    """The secret is shown this once; it can be accepted once, by whoever holds it.

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
    invitation = await invitations.insert(conn, project_id, new)
    change = Change(AuditAction.INVITATION_CREATED, invitation.id, body.email or "", {"role": body.role})
    await ctx.audit(conn, change)
    return Created(IssuedInvitation(**attrs.asdict(invitation), secret=secret, is_sent=False))


async def send_invitation(ctx: PublicContext, answer: Created[IssuedInvitation]) -> Created[IssuedInvitation]:
    """Send an invitation that is stored to its address, if it has one."""
    invitation = answer.body
    if invitation.email is None:
        return answer
    project = await ctx.db.run(Transaction.READ, projects.get, invitation.project_id)
    settings = ctx.services.settings
    how = (
        f"{settings.issuer}/invitation?secret={invitation.secret}\n\n"
        if settings.pages_enabled
        else f"The server: {settings.issuer}\nThe invitation: {invitation.secret}\n\n"
    )
    text = (
        f"You are invited to the project {project.name}, as {invitation.role}.\n\n{how}"
        f"It can be accepted once, until {invitation.expires_at:%d %B %Y, %H:%M} UTC. Whoever holds it can accept it: "
        "keep it to yourself.\n"
    )
    is_sent = await ctx.services.mailer.send(invitation.email, f"An invitation to {project.name}", text)
    return Created(attrs.evolve(invitation, is_sent=is_sent))


async def list_invitations(ctx: Context, conn: Connection, project_id: uuid.UUID, query: PageQuery) -> Page[Invitation]:
    after = invitations.KEYSET.position(query, project_id)
    found = await invitations.list_invitations(conn, project_id, after, query.page_size + 1)
    return invitations.KEYSET.page(found, query, project_id)


async def revoke_invitation(ctx: Context, conn: Connection, project_id: uuid.UUID, invitation_id: uuid.UUID) -> None:
    invitation = await invitations.take(conn, project_id, invitation_id)
    await ctx.audit(conn, Change(AuditAction.INVITATION_REVOKED, invitation.id, invitation.email or ""))


async def accept_invitation(ctx: UserContext, conn: Connection, body: InvitationAcceptance) -> JoinedProject:
    """404 when there is no such invitation, 409 when you are a member."""
    invitation = await membership.find_invitation(conn, body.secret, ctx.now())
    user = await users.get(conn, ctx.user_id)
    await membership.join(conn, invitation, user.id, ctx.now())
    joined = Change(AuditAction.MEMBER_JOINED, user.id, user.name, {"role": invitation.role})
    await ctx.audit(conn, invitation.project_id, joined)
    project = await projects.get(conn, invitation.project_id)
    return JoinedProject(**attrs.asdict(project), role=invitation.role)
