"""From an Authorization header to a principal."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence

from aiohttp import hdrs, web

from firmtrail_server.access import Principal, User
from firmtrail_server.authentication import Authentication
from firmtrail_server.errors import TokenNotValid, Unauthenticated
from firmtrail_server.http.address import client_address
from firmtrail_server.settings import Network


async def authenticate(
    request: web.BaseRequest, authentication: Authentication, trusted_proxies: Sequence[Network], *, must_be_alive: bool
) -> User | Principal:
    """Find out who asks.

    A credential that was right a moment ago is not checked again, but whether its key is alive is looked up every time,
    unless the route's own statement does that for the key of a device.

    Raises:
        Unauthenticated: no credentials, unknown ones, or those of a key that is deleted or has expired.
        TooManyFailures: too many wrong credentials came from there.
        CredentialQueueFull: too many credentials wait to be checked.
    """
    header, now = request.headers.get(hdrs.AUTHORIZATION, ""), authentication.clock()
    if principal := authentication.verified.find(header, now):
        is_checked_later = not must_be_alive and isinstance(principal, Principal) and principal.device_id is not None
        if not is_checked_later and not await authentication.is_alive(principal):
            authentication.verified.forget(header)
            raise Unauthenticated if principal.token_scopes is None else TokenNotValid
        return principal
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer":
        verified = await authentication.by_token(token.strip())
    else:
        verified = await authentication.by_secret(*basic_credentials(header), client_address(request, trusted_proxies))
    authentication.verified.add(header, verified, now)
    return verified.principal


def basic_credentials(header: str) -> tuple[str, str]:
    """Read user name and password.

    Raises:
        Unauthenticated: the header is not that of HTTP Basic authentication.
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated
    try:
        user, _, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Unauthenticated from None
    return user, password
