"""Issuing API keys: the secret is made, its hash stored, and the secret shown this once."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract import Device, IssuedDeviceApiKey, IssuedProjectApiKey, Role
from firmtrail_server.auth.credentials import SecretDigests, SecretPrefix, hash_secret, new_secret
from firmtrail_server.db import Connection
from firmtrail_server.errors import DeviceRetired, NotInTheFuture, TooManyDeviceKeys
from firmtrail_server.queries import api_keys
from firmtrail_server.queries.api_keys import NewKey

#: Two, so that a device can be given a new key while it still uses the old one.
MAX_DEVICE_KEYS = 2
_START_LENGTH = len(SecretPrefix.PROJECT) + 4


@attrs.frozen(kw_only=True)
class Terms:
    """What is said of a key beside what it opens."""

    created_by: uuid.UUID | None
    created_at: dt.datetime
    label: str = ""
    expires_at: dt.datetime | None = None
    #: of a project's key: it is a gateway's
    reports_for_devices: bool = False
    #: of a device's key: it is given by enrollment, and the answer may be lost
    is_unused: bool = False

    @classmethod
    def of(cls, label: str, expires_at: dt.datetime | None, *, by: uuid.UUID, now: dt.datetime) -> Terms:
        """Say who makes the key when, or raise `InvalidRequest` when it would be dead at once."""
        if expires_at is not None and expires_at <= now:
            raise NotInTheFuture("expires_at")
        return cls(created_by=by, created_at=now, label=label, expires_at=expires_at)


@attrs.frozen
class KeyIssuer:
    """Makes keys."""

    digests: SecretDigests

    async def issue_for_project(
        self, conn: Connection, project_id: uuid.UUID, role: Role, terms: Terms
    ) -> IssuedProjectApiKey:
        key_id, secret = await self.issue(conn, project_id, SecretPrefix.PROJECT, terms, role=role)
        return IssuedProjectApiKey(
            id=key_id,
            project_id=project_id,
            role=role,
            reports_for_devices=terms.reports_for_devices,
            label=terms.label,
            secret=secret,
            created_at=terms.created_at,
            expires_at=terms.expires_at,
        )

    async def issue_for_device(self, conn: Connection, device: Device, terms: Terms) -> IssuedDeviceApiKey:
        """Give a device one more key.

        Raises:
            DeviceRetired: it is out of service.
            TooManyDeviceKeys: it has as many living keys as it may.
        """
        if device.retired_at is not None:
            raise DeviceRetired(device.id)
        living = await api_keys.list_of_device(conn, device.project_id, device.id, terms.created_at)
        if len(living) >= MAX_DEVICE_KEYS:
            raise TooManyDeviceKeys(MAX_DEVICE_KEYS)
        await api_keys.delete_expired_of_device(conn, device.project_id, device.id, terms.created_at)
        key_id, secret = await self.issue(conn, device.project_id, SecretPrefix.DEVICE, terms, device_id=device.id)
        return IssuedDeviceApiKey(
            id=key_id,
            device_id=device.id,
            label=terms.label,
            secret=secret,
            created_at=terms.created_at,
            expires_at=terms.expires_at,
        )

    async def issue(  # noqa: PLR0913  a key is of a role, of a device, or of neither
        self,
        conn: Connection,
        project_id: uuid.UUID,
        prefix: SecretPrefix,
        terms: Terms,
        *,
        role: Role | None = None,
        device_id: uuid.UUID | None = None,
    ) -> tuple[uuid.UUID, str]:
        """Store a new key; return its id and its secret."""
        secret = new_secret(prefix)
        key = NewKey(
            role=role,
            device_id=device_id,
            secret_hash=hash_secret(secret),
            secret_digest=self.digests.of(secret),
            secret_start=secret[:_START_LENGTH],
            **attrs.asdict(terms),
        )
        return await api_keys.insert(conn, project_id, key), secret
