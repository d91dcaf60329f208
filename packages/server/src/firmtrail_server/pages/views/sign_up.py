"""Become a user."""

from __future__ import annotations

from typing import Annotated, Any

import attrs
from cattrs import BaseValidationError

from firmtrail_contract import SignUp, field_errors, strict_converter
from firmtrail_server.errors import DomainError
from firmtrail_server.handlers import users
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.forms import FORM
from firmtrail_server.http.problems import STATUS
from firmtrail_server.pages.forms import Form
from firmtrail_server.pages.results import Shown
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


async def show(ctx: PublicContext, query: SignUpQuery) -> Shown:
    return _shown(ctx, SignUpForm(invitation=query.invitation))


async def sign_up(ctx: PublicContext, body: Annotated[SignUpForm, FORM]) -> Shown:
    """By the API's own sign-up, with its throttle."""
    fields = {name: value for name, value in attrs.asdict(body).items() if name != "form_token"}
    try:
        await users.sign_up(ctx, _converter.structure(fields, SignUp))
    except BaseValidationError as error:
        refused = "; ".join(f"{one.pointer.removeprefix('/')} {one.detail}" for one in field_errors(error))
        return _shown(ctx, body, refused=f"{refused}.", status=_INVALID)
    except DomainError as error:
        return _shown(ctx, body, refused=str(error), status=STATUS[error.code])
    return Shown(template="signed_up.html", data={"email": body.email})


def _shown(ctx: PublicContext, form: SignUpForm, *, refused: str = "", status: int = 200) -> Shown:
    mode = ctx.services.settings.sign_up
    data: dict[str, Any] = {
        "form": form,
        "refused": refused,
        "is_open": mode is not SignUpMode.OFF,
        "by_invitation": mode is SignUpMode.INVITED,
    }
    return Shown(template="sign_up.html", data=data, status=status)
