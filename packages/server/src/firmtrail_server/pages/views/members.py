"""The members of a project, and the invitations that let others join."""

from __future__ import annotations

import uuid
from typing import Annotated

import attrs

from firmtrail_contract import (
    IssuedInvitation,
    Member,
    MemberChange,
    NewInvitation,
    Page,
    PageQuery,
    Role,
)
from firmtrail_contract.paging import MAX_PAGE_SIZE
from firmtrail_server.db import Connection
from firmtrail_server.handlers import invitations, members
from firmtrail_server.http.context import Context, PublicContext
from firmtrail_server.http.forms import FORM
from firmtrail_server.http.results import Created
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.forms import Form, filled
from firmtrail_server.pages.results import Redirect, View
from firmtrail_server.pages.views.settings import settings_of
from firmtrail_server.pages.words import query as url_query


@attrs.frozen(kw_only=True)
class RoleForm(Form):
    """A member's new role."""

    role: str | None = None


@attrs.frozen(kw_only=True)
class InvitationForm(RoleForm):
    """Whom to invite."""

    email: str | None = None


async def show(ctx: Context, conn: Connection, project_id: uuid.UUID, query: PageQuery) -> View:
    ask = ApiCalls(ctx, conn)
    listed: Page[Member] = await ask(members.list_members, project_id=project_id, query=query)
    many = PageQuery(page_size=MAX_PAGE_SIZE)
    data = {
        **await settings_of(ask, project_id),
        "members": listed,
        "invitations": await ask.if_permitted(invitations.list_invitations, project_id=project_id, query=many),
        "me": ctx.principal.user_id,
        "roles": [*Role],
        "may_change": ask.may(members.change_member),
        "now": ctx.now(),
        "link": url_query,
    }
    return View(template="settings_members.html", data=data)


async def change_role(
    ctx: Context, conn: Connection, project_id: uuid.UUID, user_id: uuid.UUID, body: Annotated[RoleForm, FORM]
) -> Redirect:
    change = filled(MemberChange, role=body.role)
    await ApiCalls(ctx, conn)(members.change_member, project_id=project_id, user_id=user_id, body=change)
    return _back(project_id)


async def remove(
    ctx: Context,
    conn: Connection,
    project_id: uuid.UUID,
    user_id: uuid.UUID,
    body: Annotated[Form, FORM],  # noqa: ARG001
) -> Redirect:
    await ApiCalls(ctx, conn)(members.remove_member, project_id=project_id, user_id=user_id)
    return _back(project_id)


async def invite(ctx: Context, conn: Connection, project_id: uuid.UUID, body: Annotated[InvitationForm, FORM]) -> View:
    """Its link is in this page alone, this once."""
    ask = ApiCalls(ctx, conn)
    new = filled(NewInvitation, role=body.role, email=body.email)
    issued = (await ask(invitations.create_invitation, project_id=project_id, body=new)).body
    data = {
        **await settings_of(ask, project_id),
        "url": ctx.services.tokens.issuer,
        "invitation": issued,
        "link": url_query,
    }
    return View(template="settings_invited.html", data=data)


async def send(ctx: PublicContext, answer: View) -> View:
    """Send an invitation that is stored, and say whether it was sent."""
    issued: Created[IssuedInvitation] = Created(answer.data["invitation"])
    sent = (await invitations.send_invitation(ctx, issued)).body
    return attrs.evolve(answer, data={**answer.data, "invitation": sent})


async def revoke(
    ctx: Context,
    conn: Connection,
    project_id: uuid.UUID,
    invitation_id: uuid.UUID,
    body: Annotated[Form, FORM],  # noqa: ARG001
) -> Redirect:
    await ApiCalls(ctx, conn)(invitations.revoke_invitation, project_id=project_id, invitation_id=invitation_id)
    return _back(project_id)


def _back(project_id: uuid.UUID) -> Redirect:
    return Redirect(to=f"/projects/{project_id}/members")
