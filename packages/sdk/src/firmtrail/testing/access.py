"""Who asks the stand-in, and what they may: API keys, the access tokens made from them, and their scopes."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import secrets
import uuid

import attrs

from firmtrail.testing.refusals import Refused
from firmtrail_contract import AccessToken, ProblemCode, Role

TOKEN_SECONDS = 900

_VIEWER = frozenset({"devices:read", "firmware:read"})
_EDITOR = _VIEWER | {"devices:write", "keys:read", "keys:write"}
#: what a project's API key may do, as far as the stand-in answers it
ROLE_SCOPES = {Role.VIEWER: _VIEWER, Role.EDITOR: _EDITOR, Role.ADMIN: _EDITOR | {"devices:delete"}}
DEVICE_SCOPES = frozenset({"firmware:report"})
GATEWAY_SCOPES = frozenset({"firmware:report_for_devices"})
KEY_SCOPES = frozenset({"own_key:read"})

_BASIC = 'Basic realm="firmtrail", charset="UTF-8"'
_BEARER = 'Bearer realm="firmtrail"'


@attrs.frozen(kw_only=True)
class Key:
    """An API key: of the project, with a role, or of a device."""

    id: uuid.UUID
    secret: str = attrs.field(repr=False)
    role: Role | None = None
    device_id: uuid.UUID | None = None
    reports_for_devices: bool = False
    label: str = ""
    created_by: uuid.UUID | None = None
    created_at: dt.datetime
    expires_at: dt.datetime | None = None

    @property
    def text(self) -> str:
        """It as a client takes it."""
        return f"{self.id}:{self.secret}"

    @property
    def scopes(self) -> frozenset[str]:
        if self.role is None:
            return DEVICE_SCOPES | KEY_SCOPES
        scopes = ROLE_SCOPES[self.role] | KEY_SCOPES
        return scopes | GATEWAY_SCOPES if self.reports_for_devices else scopes

    def require(self, scope: str) -> None:
        """Refuse who may not do that."""
        if scope not in self.scopes:
            headers = {"WWW-Authenticate": f'{_BEARER}, error="insufficient_scope", scope="{scope}"'}
            raise Refused(ProblemCode.FORBIDDEN, f"You may not do that: it takes the scope {scope}.", headers=headers)


@attrs.frozen
class Credentials:
    """The living keys, and the tokens that stand for them."""

    keys: dict[uuid.UUID, Key] = attrs.field(factory=dict[uuid.UUID, Key])
    #: each with its key and its end
    _tokens: dict[str, tuple[uuid.UUID, dt.datetime]] = attrs.field(
        factory=dict[str, tuple[uuid.UUID, dt.datetime]], repr=False
    )

    def add(self, key: Key) -> Key:
        self.keys[key.id] = key
        return key

    def of_device(self, device_id: uuid.UUID, now: dt.datetime) -> list[Key]:
        """List the living keys of a device, the oldest first."""
        return [key for key in self.keys.values() if key.device_id == device_id and _is_alive(key, now)]

    def end_of_device(self, device_id: uuid.UUID) -> None:
        for key in [key for key in self.keys.values() if key.device_id == device_id]:
            del self.keys[key.id]

    def grant(self, authorization: str, now: dt.datetime) -> AccessToken:
        """Make an access token for the key of a Basic header."""
        key = self._by_basic(authorization, now)
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (key.id, now + dt.timedelta(seconds=TOKEN_SECONDS))
        return AccessToken(access_token=token, expires_in=TOKEN_SECONDS, scope=" ".join(sorted(key.scopes)))

    def caller(self, authorization: str, now: dt.datetime) -> Key:
        """Find the key of a header."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer":
            return self._by_basic(authorization, now)
        key_id, ends_at = self._tokens.get(token, (None, now))
        key = self.keys.get(key_id) if key_id and now < ends_at else None
        if key is None or not _is_alive(key, now):
            headers = {"WWW-Authenticate": f'{_BASIC}, {_BEARER}, error="invalid_token"'}
            raise Refused(ProblemCode.UNAUTHENTICATED, "This access token is not valid, or not any more.", (), headers)
        return key

    def _by_basic(self, authorization: str, now: dt.datetime) -> Key:
        try:
            kind, _, encoded = authorization.partition(" ")
            key_id, _, secret = base64.b64decode(encoded).decode().partition(":")
            key = self.keys[uuid.UUID(key_id)]
        except (binascii.Error, ValueError, KeyError):
            raise _unauthenticated() from None
        if kind.lower() != "basic" or key.secret != secret or not _is_alive(key, now):
            raise _unauthenticated()
        return key


def new_secret(prefix: str) -> str:
    """Make the secret of a key, which opens nothing but this stand-in."""
    return prefix + secrets.token_hex(24) + "0"


def _is_alive(key: Key, now: dt.datetime) -> bool:
    return key.expires_at is None or now < key.expires_at


def _unauthenticated() -> Refused:
    detail = "Send the id and the secret of a living API key, or a Bearer token that was got with them."
    return Refused(ProblemCode.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": f"{_BASIC}, {_BEARER}"})
