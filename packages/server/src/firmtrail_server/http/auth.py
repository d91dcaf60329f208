"""From an Authorization header to a principal."""

from __future__ import annotations

import binascii
from base64 import b64decode

import attrs
from aiohttp import hdrs, web

from firmtrail_server import keys
from firmtrail_server.access import Principal
from firmtrail_server.errors import TokenNotValid, Unauthenticated
from firmtrail_server.http.context import Services
from firmtrail_server.queries import api_keys


async def authenticate(request: web.Request, services: Services) -> Principal:
    """Find out who asks.

    Raises:
        Unauthenticated: no credentials, unknown ones, or those of a key that is deleted or has expired.
    """
    header = request.headers.get(hdrs.AUTHORIZATION, "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer":
        return await _bearer(token.strip(), services)
    key_id, secret = basic_credentials(header)
    return await keys.authenticate(services.database, key_id, secret, services.clock())


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


async def _bearer(token: str, services: Services) -> Principal:
    now = services.clock()
    claims = services.tokens.verify(token, now)
    key = await services.database.retried(lambda conn: api_keys.find(conn, claims.api_key_id, now))
    if key is None:
        raise TokenNotValid
    return attrs.evolve(key.principal, token_scopes=claims.scopes)
