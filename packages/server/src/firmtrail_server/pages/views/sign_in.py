"""Sign in with e-mail and password or a link, and sign out."""

from __future__ import annotations

import re
from typing import Annotated

import attrs

from firmtrail_contract import TokenRequest, Violation
from firmtrail_server.db import Transaction
from firmtrail_server.errors import LoginRefused
from firmtrail_server.handlers.oauth import issue_token
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.cookies import SCOPE
from firmtrail_server.pages.forms import Form
from firmtrail_server.pages.results import Redirect, SignedIn, SignedOut, View
from firmtrail_server.services import login_links
from firmtrail_server.settings import SignUpMode

HOME = "/projects"
#: a page of ours: no host, and nothing that a browser would read as one
_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*", re.ASCII)
_UNAUTHORIZED = 401


@attrs.frozen(kw_only=True)
class SignInQuery:
    """Where to go afterwards."""

    next: str | None = None


@attrs.frozen(kw_only=True)
class SignInForm(Form):
    """Who wants in."""

    email: str = ""
    password: str = attrs.field(default="", repr=False)
    next: str = HOME


@attrs.frozen(kw_only=True)
class LinkQuery:
    """What a link that signs in holds."""

    secret: str = attrs.field(repr=False)


async def show(ctx: PublicContext, query: SignInQuery) -> View:
    return _shown(ctx, query.next or HOME)


async def sign_in(ctx: PublicContext, body: Annotated[SignInForm, FORM]) -> View | SignedIn:
    """By the API's own login, with its throttle."""
    try:
        token = await issue_token(ctx, _token_request(body))
    except (LoginRefused, Violation):
        return _shown(ctx, body.next, email=body.email, refused="This e-mail address and password do not match.")
    return SignedIn(to=own_path(body.next), session=token)


async def follow_link(ctx: PublicContext, query: LinkQuery) -> View | SignedIn:
    """A link works once, for some minutes."""
    services = ctx.services
    try:
        opened = await ctx.db.run(Transaction.WRITE, login_links.follow, query.secret, services.sessions, ctx.visit)
    except LoginRefused:
        return _shown(ctx, HOME, refused="This link has been used, or is too old. Sign in with your password.")
    return SignedIn(to=HOME, session=ctx.granted(opened.user, opened.refresh_token))


async def sign_out(_ctx: PublicContext, body: Annotated[Form, FORM]) -> Redirect:  # noqa: ARG001  it holds the form's token
    return SignedOut(to="/sign-in")


def own_path(path: str) -> str:
    """The path to go on to; the home page instead of anything that is not surely a page of this server."""
    return path if _OWN_PATH.fullmatch(path) else HOME


def _token_request(form: SignInForm) -> TokenRequest:
    """What the API is asked; raises `Violation` for what can be nobody's address or password."""
    return TokenRequest(grant_type="password", username=form.email or None, password=form.password or None, scope=SCOPE)


def _shown(ctx: PublicContext, onward: str, *, email: str = "", refused: str = "") -> View:
    data = {
        "next": own_path(onward),
        "email": email,
        "refused": refused,
        "sign_up": ctx.services.settings.sign_up is not SignUpMode.OFF,
    }
    return View(template="sign_in.html", data=data, status=_UNAUTHORIZED if refused else 200)
