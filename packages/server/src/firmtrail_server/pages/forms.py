"""Forms that our own pages alone can send: each holds a token of its session, and a browser says who sends it."""

from __future__ import annotations

import secrets
from hmac import compare_digest
from typing import Any, TypeVar

import attrs
from cattrs import BaseValidationError

from firmtrail_contract import Violation, field_errors, strict_converter
from firmtrail_contract.problems import MAX_ERRORS
from firmtrail_contract.spelling import typed
from firmtrail_server.auth.credentials import SecretDigests
from firmtrail_server.errors import Forbidden, InvalidRequest
from firmtrail_server.http.request import Request

T = TypeVar("T")

_converter = strict_converter()
_ORIGIN, _SITE, _HOST = "Origin", "Sec-Fetch-Site", "Host"
#: what a browser says of a post from our own pages, or from its address bar
_OURS = {"same-origin", "none"}


class FormRefused(Forbidden):
    def __init__(self) -> None:
        super().__init__("This form is too old, or was not sent from here. Open the page again and send it once more.")


@attrs.frozen(kw_only=True)
class Form:
    """What every form holds."""

    form_token: str = attrs.field(default="", repr=False)


class FormTokens:
    """Makes and checks what a form must hold: a new one for each page, so that compression tells nothing of it."""

    def __init__(self, digests: SecretDigests) -> None:
        self._digests = digests

    def new(self, session: str) -> str:
        nonce = secrets.token_hex(16)
        return f"{nonce}{self._bound(nonce, session)}"

    def check(self, token: str, session: str) -> None:
        """Raise `FormRefused` unless the token was made for this session; empty: for whoever is not signed in."""
        nonce, bound = token[:32], token[32:]
        if not compare_digest(bound.encode(), self._bound(nonce, session).encode()):
            raise FormRefused

    def _bound(self, nonce: str, session: str) -> str:
        return self._digests.of(f"form {nonce} {session}").hex()


def check_origin(request: Request) -> None:
    """Raise `FormRefused` where a browser says that another site sends this (Fetch Metadata, RFC 6454)."""
    headers = request.headers
    if (site := headers.get(_SITE)) is not None:
        is_ours = site in _OURS
    else:
        origin = headers.get(_ORIGIN)
        is_ours = origin is None or origin.partition("://")[2] == headers.get(_HOST)
    if not is_ours:
        raise FormRefused


def filled(model: type[T], **fields: Any) -> T:
    """Make what a handler takes of what a form holds; None: the field is left out.

    Raises:
        InvalidRequest: with everything that is wrong.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return _converter.structure(typed(given, model), model)
    except (BaseValidationError, Violation) as error:
        raise InvalidRequest(field_errors(error, most=MAX_ERRORS)) from None


def labels_of(text: str | None) -> dict[str, str]:
    """Read `site=berlin,rack=3`; what is wrong with it, `filled` finds."""
    pairs = [part.partition("=") for part in (text or "").split(",") if part.strip()]
    return {key.strip(): value.strip() for key, _, value in pairs}


def form_token_of(arguments: dict[str, Any]) -> str:
    """The token in the body that a view is to be given."""
    body = arguments.get("body")
    return body.form_token if isinstance(body, Form) else ""
