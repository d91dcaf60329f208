"""From an Authorization header to a principal."""

from __future__ import annotations

import binascii
import uuid
from base64 import b64decode

from aiohttp import hdrs, web

from firmtrail_server.access import Principal
from firmtrail_server.credentials import is_well_formed, matches
from firmtrail_server.errors import Unauthenticated
from firmtrail_server.http.context import Services
from firmtrail_server.queries import api_keys


async def authenticate(request: web.Request, services: Services) -> Principal:
    """Find out who asks. An unknown key id costs the same time as a wrong secret.

    Raises:
        Unauthenticated: no credentials, unknown ones, or a key that has expired.
    """
    key_id, secret = _basic_credentials(request.headers.get(hdrs.AUTHORIZATION, ""))
    if not is_well_formed(secret):
        raise Unauthenticated
    key = await services.database.retried(lambda conn: api_keys.find(conn, key_id, services.clock()))
    if not await matches(secret, key.secret_hash if key else None) or key is None:
        raise Unauthenticated
    return key.principal


def _basic_credentials(header: str) -> tuple[uuid.UUID, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated
    try:
        key_id, _, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
        return uuid.UUID(key_id), secret
    except (binascii.Error, ValueError):
        raise Unauthenticated from None
