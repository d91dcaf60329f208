"""What the link of an invitation opens: join its project, as a user or as one who will be."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import attrs

from firmtrail_contract import InvitationAcceptance
from firmtrail_server.db import Connection
from firmtrail_server.handlers import invitations
from firmtrail_server.http.context import PublicContext, UserContext
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.forms import Form, filled
from firmtrail_server.pages.results import Redirect, View


@attrs.frozen(kw_only=True)
class InvitationQuery:
    """What the link holds."""

    secret: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class AcceptanceForm(Form):
    """An invitation to accept."""

    secret: str | None = attrs.field(default=None, repr=False)


async def show(_ctx: PublicContext, query: InvitationQuery) -> View:
    """Nothing is accepted by opening a link: mail programs open them too."""
    here = f"/invitation?{urlencode({'secret': query.secret})}"
    data = {
        "secret": query.secret,
        "sign_in": f"/sign-in?{urlencode({'next': here})}",
        "sign_up": f"/sign-up?{urlencode({'invitation': query.secret})}",
    }
    return View(template="invitation.html", data=data)


async def accept(ctx: UserContext, conn: Connection, body: Annotated[AcceptanceForm, FORM]) -> Redirect:
    joined = await invitations.accept_invitation(ctx, conn, filled(InvitationAcceptance, secret=body.secret))
    return Redirect(to=f"/projects/{joined.id}")
