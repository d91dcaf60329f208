"""The user who looks: name, password, and the sessions in which they are signed in."""

from __future__ import annotations

import uuid
from typing import Annotated

import attrs

from firmtrail_contract import PageQuery, PasswordChange, UserChange
from firmtrail_contract.paging import MAX_PAGE_SIZE
from firmtrail_server.db import Connection
from firmtrail_server.handlers import sessions, users
from firmtrail_server.http.context import UserContext
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.forms import Form, filled
from firmtrail_server.pages.results import Redirect, SignedIn, View
from firmtrail_server.pages.views.settings import NameForm

_HERE = "/me"


@attrs.frozen(kw_only=True)
class PasswordForm(Form):
    """The password now, and the one that shall be."""

    current_password: str | None = attrs.field(default=None, repr=False)
    new_password: str | None = attrs.field(default=None, repr=False)


async def show(ctx: UserContext, conn: Connection) -> View:
    listed = await sessions.list_my_sessions(ctx, conn, PageQuery(page_size=MAX_PAGE_SIZE))
    return View(template="me.html", data={"user": await users.get_me(ctx, conn), "sessions": listed.items})


async def rename(ctx: UserContext, conn: Connection, body: Annotated[NameForm, FORM]) -> Redirect:
    await users.change_me(ctx, conn, filled(UserChange, name=body.name))
    return Redirect(to=_HERE)


async def change_password(ctx: UserContext, body: Annotated[PasswordForm, FORM]) -> SignedIn:
    """All other sessions end; this browser gets a new one."""
    change = filled(PasswordChange, current_password=body.current_password, new_password=body.new_password)
    return SignedIn(to=_HERE, session=await users.change_my_password(ctx, change))


async def end_session(
    ctx: UserContext,
    conn: Connection,
    session_id: uuid.UUID,
    body: Annotated[Form, FORM],  # noqa: ARG001
) -> Redirect:
    await sessions.end_my_session(ctx, conn, session_id)
    return Redirect(to=_HERE)
