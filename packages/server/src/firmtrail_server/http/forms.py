"""Reading the form that a client sends to the token endpoint (RFC 6749, sections 2.3.1 and 3.2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import attrs
from aiohttp import hdrs

from firmtrail_server.errors import MalformedRequest, UnsupportedMediaType
from firmtrail_server.http.authorization_header import basic_credentials
from firmtrail_server.http.request import Request
from firmtrail_server.http.requests import read_bytes

#: marks a body as a form: `body: Annotated[TokenRequest, FORM]`
FORM = "application/x-www-form-urlencoded"
_MAX_PARAMETERS = 32


async def read_form(request: Request, model: Any) -> dict[str, str]:
    """Read the parameters that `model` knows; a client's HTTP Basic credentials are two of them in another place.

    Raises:
        UnsupportedMediaType: it does not say that it is a form.
        MalformedRequest: it is none, repeats a parameter, or holds credentials besides those of the header.
        Unauthenticated: there is an Authorization header, but not of HTTP Basic authentication.
    """
    if request.utf8_type != FORM:
        raise UnsupportedMediaType(f"Send the body as {FORM} in UTF-8.")
    names = {field.name for field in attrs.fields(model)}
    fields = {name: text for name, text in _parameters(await read_bytes(request)).items() if text and name in names}
    if hdrs.AUTHORIZATION not in request.headers:
        return fields
    client_id, secret = map(unquote_plus, basic_credentials(request.headers[hdrs.AUTHORIZATION]))
    if "client_secret" in fields or fields.get("client_id", client_id) != client_id:
        raise MalformedRequest("Send the client's credentials by HTTP Basic authentication or in the form, not both.")
    return fields | {"client_id": client_id, "client_secret": secret}


def _parameters(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise MalformedRequest("The body is not a form in UTF-8, or has too many parameters.") from None
    if len(dict(pairs)) != len(pairs):
        raise MalformedRequest("Every parameter may be given once.")
    return dict(pairs)
