"""The members of a project, and their roles."""

from __future__ import annotations

import uuid

import attrs

from firmtrail_contract import AuditAction, Member, MemberChange, Page, PageQuery, Role
from firmtrail_server.db import Connection
from firmtrail_server.http.context import Context
from firmtrail_server.queries import members
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.services.membership import end_invitations, require_another_admin


async def list_members(ctx: Context, conn: Connection, project_id: uuid.UUID, query: PageQuery) -> Page[Member]:
    after = members.KEYSET.position(query, project_id)
    found = await members.list_members(conn, project_id, after, query.page_size + 1)
    return members.KEYSET.page(found, query, project_id)


async def change_member(
    ctx: Context, conn: Connection, project_id: uuid.UUID, user_id: uuid.UUID, body: MemberChange
) -> Member:
    """409 when that would leave the project without an admin. Who is no admin any more may not invite, and the open
    invitations that they made end.
    """
    ctx.principal.require_all_of(body.role)
    member = await members.get(conn, project_id, user_id)
    if member.role is body.role:
        return member
    if member.role is Role.ADMIN:
        await require_another_admin(conn, project_id, user_id)
    await members.update_role(conn, project_id, user_id, body.role)
    change = Change(AuditAction.MEMBER_ROLE_CHANGED, user_id, member.name, {"role": body.role, "was": member.role})
    ended = [] if body.role is Role.ADMIN else await end_invitations(conn, project_id, user_id)
    await ctx.audit(conn, change, *ended)
    return attrs.evolve(member, role=body.role)


async def remove_member(ctx: Context, conn: Connection, project_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """409 when that would leave it without an admin. The open invitations that they made end. API keys that they made
    are the project's, and stay: the list of keys says who made each.
    """
    await _remove(ctx, conn, project_id, user_id, AuditAction.MEMBER_REMOVED)


async def leave_project(ctx: Context, conn: Connection, project_id: uuid.UUID) -> None:
    """409 when that would leave it without an admin."""
    user_id = ctx.principal.user_id
    assert user_id is not None  # the scope is a member's alone
    await _remove(ctx, conn, project_id, user_id, AuditAction.MEMBER_LEFT)


async def _remove(
    ctx: Context, conn: Connection, project_id: uuid.UUID, user_id: uuid.UUID, action: AuditAction
) -> None:
    member = await members.get(conn, project_id, user_id)
    if member.role is Role.ADMIN:
        await require_another_admin(conn, project_id, user_id)
    await members.delete(conn, project_id, user_id)
    ended = await end_invitations(conn, project_id, user_id)
    await ctx.audit(conn, Change(action, user_id, member.name, {"role": member.role}), *ended)
