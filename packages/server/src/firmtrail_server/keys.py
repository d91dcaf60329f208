"""Issuing API keys: the secret is made, its hash stored, and the secret shown this once."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail_contract import Device, IssuedDeviceApiKey, IssuedProjectApiKey, Role
from firmtrail_server.credentials import SecretPrefix, hash_secret, new_secret
from firmtrail_server.db import Connection
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
