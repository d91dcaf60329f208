"""API keys. Issuing one: the secret is made, its hash stored, and the secret shown this once. Knowing one again."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail_contract import Device, IssuedDeviceApiKey, IssuedProjectApiKey, Role
from firmtrail_server.access import Principal
from firmtrail_server.credentials import SecretPrefix, hash_secret, is_well_formed, matches, new_secret
from firmtrail_server.db import Connection, Database
from firmtrail_server.errors import Unauthenticated
from firmtrail_server.queries import api_keys


async def issue_for_project(
    conn: Connection, project_id: uuid.UUID, role: Role, now: dt.datetime
) -> IssuedProjectApiKey:
    secret = new_secret(SecretPrefix.PROJECT)
    key_id = await api_keys.insert_for_project(conn, project_id, role, hash_secret(secret), now)
    return IssuedProjectApiKey(id=key_id, project_id=project_id, role=role, secret=secret, created_at=now)


async def issue_for_device(conn: Connection, device: Device, now: dt.datetime) -> IssuedDeviceApiKey:
    secret = new_secret(SecretPrefix.DEVICE)
    key_id = await api_keys.insert_for_device(conn, device.project_id, device.id, hash_secret(secret), now)
    return IssuedDeviceApiKey(id=key_id, device_id=device.id, secret=secret, created_at=now)


async def authenticate(db: Database, key_id: str, secret: str, now: dt.datetime) -> Principal:
    """Find out whose id and secret these are. An unknown id costs the same time as a wrong secret.

    Raises:
        Unauthenticated: they are nobody's, or the key has expired.
    """
    if not is_well_formed(secret):
        raise Unauthenticated
    try:
        known_by = uuid.UUID(key_id)
    except ValueError:
        raise Unauthenticated from None
    key = await db.retried(lambda conn: api_keys.find(conn, known_by, now))
    if not await matches(secret, key.secret_hash if key else None) or key is None:
        raise Unauthenticated
    return key.principal
