"""A new password for who has forgotten theirs, by a code that is sent to their address."""

from __future__ import annotations

from typing import Annotated

import attrs

from firmtrail_contract import PasswordReset, PasswordResetRequest
from firmtrail_server.handlers import password_resets
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.forms import Form, filled
from firmtrail_server.pages.results import Redirect, View


@attrs.frozen(kw_only=True)
class ForgottenForm(Form):
    """Whose password is forgotten."""

    email: str | None = None


@attrs.frozen(kw_only=True)
class CodeQuery:
    """What the link in the e-mail holds."""

    code: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class NewPasswordForm(Form):
    """The code of the e-mail, and the password that shall be."""

    code: str | None = attrs.field(default=None, repr=False)
    new_password: str | None = attrs.field(default=None, repr=False)


async def show_forgotten(ctx: PublicContext) -> View:
    return View(template="forgotten.html", data={"sends_mail": ctx.services.mailer.is_configured, "sent_to": ""})


async def request(ctx: PublicContext, body: Annotated[ForgottenForm, FORM]) -> View:
    """The page is the same whether or not the address has a user."""
    asked = filled(PasswordResetRequest, email=body.email)
    receipt = (await password_resets.request_password_reset(ctx, asked)).body
    return View(template="forgotten.html", data={"sends_mail": True, "sent_to": receipt.email})


async def show(_ctx: PublicContext, query: CodeQuery) -> View:
    return View(template="new_password.html", data={"code": query.code})


async def reset(ctx: PublicContext, body: Annotated[NewPasswordForm, FORM]) -> Redirect:
    await password_resets.reset_password(ctx, filled(PasswordReset, code=body.code, new_password=body.new_password))
    return Redirect(to="/sign-in")
