"""From an Authorization header to a principal."""

from __future__ import annotations

import binascii
import uuid
from base64 import b64decode

from aiohttp import hdrs, web

from firmtrail_server.access import Principal
from firmtrail_server.credentials import is_well_formed
from firmtrail_server.errors import Unauthenticated
from firmtrail_server.http.address import client_address
from firmtrail_server.http.context import Services
from firmtrail_server.queries import api_keys


async def authenticate(request: web.Request, services: Services, *, must_be_alive: bool) -> Principal:
    """Find out who asks.

    A credential that was right a moment ago is not checked again, but whether its key is alive is looked up every time,
    unless the caller of this does that itself.

    Raises:
        Unauthenticated: no credentials, unknown ones, or a key that is deleted or has expired.
        TooManyFailures: too many wrong credentials came from there.
        CredentialQueueFull: too many credentials wait to be checked.
    """
    header = request.headers.get(hdrs.AUTHORIZATION, "")
    principal = services.verified.find(header, services.clock())
    if principal is None:
        return await _verify(header, client_address(request, services.settings.trusted_proxies), services)
    if must_be_alive and not await _is_alive(principal, services):
        services.verified.forget(header)
        raise Unauthenticated
    return principal


async def _verify(header: str, address: str, services: Services) -> Principal:
    """Check a secret and remember that it was right. An unknown key id costs the same time as a wrong secret."""
    key_id, secret = _basic_credentials(header)
    if not is_well_formed(secret):
        raise Unauthenticated
    services.failures.check(str(key_id), address)
    now = services.clock()
    key = await services.database.retried(lambda conn: api_keys.find(conn, key_id, now))
    if not await services.secrets.matches(secret, key.secret_hash if key else None) or key is None:
        services.failures.add(str(key_id), address)
        raise Unauthenticated
    services.verified.add(header, key.principal, now, key.expires_at)
    return key.principal


async def _is_alive(principal: Principal, services: Services) -> bool:
    now = services.clock()
    return await services.database.retried(
        lambda conn: api_keys.is_alive(conn, principal.project_id, principal.api_key_id, now)
    )


def _basic_credentials(header: str) -> tuple[uuid.UUID, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated
    try:
        key_id, _, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
        return uuid.UUID(key_id), secret
    except (binascii.Error, ValueError):
        raise Unauthenticated from None
