"""Become a user."""

from __future__ import annotations

from typing import Annotated, Any

import attrs
from cattrs import BaseValidationError

from firmtrail_contract import SignUp, SignUpConfirmation, Violation, field_errors, strict_converter
from firmtrail_contract.problems import STATUS
from firmtrail_server.errors import DomainError
from firmtrail_server.handlers import users
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.forms import Form
from firmtrail_server.pages.results import Redirect, View
from firmtrail_server.settings import SignUpMode

_converter = strict_converter()
_INVALID = 422


@attrs.frozen(kw_only=True)
class SignUpQuery:
    """What a link to this page may bring along."""

    invitation: str | None = None


@attrs.frozen(kw_only=True)
class SignUpForm(Form):
    """Who wants to be a user."""

    email: str = ""
    name: str = ""
    password: str = attrs.field(default="", repr=False)
    invitation: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class ConfirmationQuery:
    """What a link to the confirmation may bring along."""

    code: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class ConfirmationForm(Form):
    """The code that came by e-mail, and the password that was chosen."""

    code: str = attrs.field(default="", repr=False)
    password: str = attrs.field(default="", repr=False)


async def show(ctx: PublicContext, query: SignUpQuery) -> View:
    return _shown(ctx, SignUpForm(invitation=query.invitation))


async def sign_up(ctx: PublicContext, body: Annotated[SignUpForm, FORM]) -> View:
    """By the API's own sign-up, with its throttle."""
    fields = {name: value for name, value in attrs.asdict(body).items() if name != "form_token"}
    try:
        receipt = (await users.sign_up(ctx, _converter.structure(fields, SignUp))).body
    except BaseValidationError as error:
        refused = "; ".join(f"{one.pointer.removeprefix('/')} {one.detail}" for one in field_errors(error))
        return _shown(ctx, body, refused=f"{refused}.", status=_INVALID)
    except DomainError as error:
        return _shown(ctx, body, refused=str(error), status=STATUS[error.code])
    return View(template="signed_up.html", data={"email": body.email, "must_confirm": receipt.must_confirm})


async def show_confirmation(_ctx: PublicContext, query: ConfirmationQuery) -> View:
    return View(template="confirm.html", data={"code": query.code or "", "refused": ""})


async def confirm(ctx: PublicContext, body: Annotated[ConfirmationForm, FORM]) -> View | Redirect:
    """By the code that was sent to the address, and the password that was chosen."""
    try:
        await users.confirm_sign_up(ctx, SignUpConfirmation(code=body.code, password=body.password))
    except (DomainError, Violation) as error:
        data = {"code": body.code, "refused": str(error)}
        status = STATUS[error.code] if isinstance(error, DomainError) else _INVALID
        return View(template="confirm.html", data=data, status=status)
    return Redirect(to="/sign-in")


def _shown(ctx: PublicContext, form: SignUpForm, *, refused: str = "", status: int = 200) -> View:
    mode = ctx.services.settings.sign_up
    data: dict[str, Any] = {
        "form": form,
        "refused": refused,
        "is_open": mode is not SignUpMode.OFF,
        "by_invitation": mode is SignUpMode.INVITED,
    }
    return View(template="sign_up.html", data=data, status=status)
