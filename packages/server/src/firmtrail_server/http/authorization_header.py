"""From an Authorization header to a credential."""

from __future__ import annotations

from binascii import a2b_base64

from aiohttp import hdrs

from firmtrail_server.errors import Unauthenticated
from firmtrail_server.http.request import Request
from firmtrail_server.services.authentication import Authentication, Credential


def read_credential(request: Request, authentication: Authentication) -> Credential:
    """Read who a request says it comes from. Whether that is so, the database is still to say.

    Raises:
        Unauthenticated: there are no credentials, or none that could be ours.
        TokenNotValid: it is an access token, and not one of ours, or has expired.
    """
    header = request.headers.get(hdrs.AUTHORIZATION, "")
    if header[:7].lower() == "bearer ":
        return authentication.of_token(header[7:].strip())
    return authentication.of_secret(*basic_credentials(header))


def basic_credentials(header: str) -> tuple[str, str]:
    """Read user name and password.

    Raises:
        Unauthenticated: the header is not that of HTTP Basic authentication.
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated
    try:
        user, _, password = a2b_base64(encoded.strip(), strict_mode=True).decode().partition(":")
    except ValueError:
        raise Unauthenticated from None
    return user, password
