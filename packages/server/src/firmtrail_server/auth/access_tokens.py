"""Access tokens: JSON Web Tokens of RFC 9068, signed with Ed25519. They are made and checked here, without any I/O.

A token only says which API key or user it stands for and what it may do. Whether that key or user still lives is asked
elsewhere, at every request.
"""

from __future__ import annotations

import datetime as dt
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hmac import compare_digest
from typing import Any

import attrs
import orjson
from cattrs import BaseValidationError
from joserfc import jwt
from joserfc.jws import JWSRegistry

from firmtrail_contract import AccessToken, Violation, lenient_converter
from firmtrail_server.auth.permissions import Scope, User
from firmtrail_server.auth.signing_keys import ALGORITHM, SigningKeys
from firmtrail_server.errors import TokenNotValid

#: ours have about 700 characters
MAX_LENGTH = 2_048
#: how far the clock of another server of this installation may be ahead of ours
CLOCK_TOLERANCE_SECONDS = 60

#: no datetime is later
_LAST_SECOND = int(dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC).timestamp())
_TYPE = "at+jwt"
_converter = lenient_converter()


@attrs.frozen(kw_only=True)
class Claims:
    """What a valid token says."""

    #: an API key, or a user
    subject_id: uuid.UUID
    #: of a user; None: it is an API key
    epoch: int | None
    scopes: frozenset[Scope]
    expires_at: dt.datetime
    #: of a user who logged in for longer than this token lives
    session_id: uuid.UUID | None = None


@attrs.define(kw_only=True)
class AccessTokens:
    """Issues the tokens of this installation, and knows them again."""

    #: replaced while the server runs
    keys: SigningKeys
    #: who issues the tokens, and who they are for: the URL of this installation
    issuer: str
    life_seconds: int
    #: of a device's own key: it reports seldom, and to get a token for each report would be a request more
    device_life_seconds: int

    def grant(
        self, subject_id: uuid.UUID, scopes: Iterable[Scope], now: dt.datetime, *, of_device: bool = False
    ) -> AccessToken:
        """Issue a token that stands for an API key, until its life ends or the key's."""
        life_seconds = self.device_life_seconds if of_device else self.life_seconds
        return self._granted(subject_id, scopes, now, life_seconds)

    def grant_user(self, user: User, now: dt.datetime) -> AccessToken:
        """Issue a token that stands for a user, until its life ends, or the session's that the user has."""
        session_id = str(user.session_id) if user.session_id else None
        return self._granted(
            user.user_id, user.token_scopes, now, self.life_seconds, epoch=user.token_epoch, sid=session_id
        )

    def _granted(
        self, subject_id: uuid.UUID, scopes: Iterable[Scope], now: dt.datetime, life_seconds: int, **more: Any
    ) -> AccessToken:
        scope = " ".join(sorted(scopes))
        token = self._issued(str(subject_id), scope, int(now.timestamp()), life_seconds, more)
        return AccessToken(access_token=token, expires_in=life_seconds, scope=scope)

    def _issued(self, subject: str, scope: str, issued_at: int, life_seconds: int, more: Mapping[str, Any]) -> str:
        payload = _Payload(
            iss=self.issuer,
            aud=self.issuer,
            sub=subject,
            client_id=subject,
            iat=issued_at,
            exp=issued_at + life_seconds,
            jti=uuid.uuid4().hex,
            scope=scope,
            **more,
        )
        header = {"typ": _TYPE, "alg": ALGORITHM, "kid": self.keys.signing_id}
        claims = attrs.asdict(payload, filter=lambda _, value: value is not None)
        return jwt.encode(header, claims, self.keys.by_id[self.keys.signing_id], registry=_REGISTRY)

    def verify(self, token: str, now: dt.datetime) -> Claims:
        """Read a token that this installation has issued and that has not expired.

        Raises:
            TokenNotValid: it is not such a token, for whatever reason.
        """
        if len(token) > MAX_LENGTH:
            raise TokenNotValid
        try:
            payload = _converter.structure(orjson.loads(self._signed_payload(token)), _Payload)
            subject_id = uuid.UUID(payload.client_id)
            session_id = uuid.UUID(payload.sid) if payload.sid else None
        except (BaseValidationError, Violation, ValueError, TypeError):
            raise TokenNotValid from None
        if not self._holds(payload, now.timestamp()):
            raise TokenNotValid
        expires_at = dt.datetime.fromtimestamp(payload.exp, dt.UTC)
        scopes = _scopes(payload.scope)
        return Claims(
            subject_id=subject_id, epoch=payload.epoch, scopes=scopes, expires_at=expires_at, session_id=session_id
        )

    def _signed_payload(self, token: str) -> bytes:
        """Check the signature by signing anew: Ed25519 gives one message one signature, in a third of the time.

        Raises:
            TokenNotValid: the header is not as we write it, or the signature another one.
            ValueError: a part is not what it is in a token.
        """
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        expected = self.keys.signature(_key_id(header), signed.encode("ascii"))
        if expected is None or not compare_digest(expected, signature.encode("ascii")):
            raise TokenNotValid
        return urlsafe_b64decode(f"{payload}==")

    def _holds(self, payload: _Payload, now: float) -> bool:
        latest = now + CLOCK_TOLERANCE_SECONDS
        return (
            payload.iss == payload.aud == self.issuer
            and payload.sub == payload.client_id
            and payload.iat <= latest
            and (payload.nbf is None or payload.nbf <= latest)
            and now < payload.exp <= _LAST_SECOND
        )


@attrs.frozen(kw_only=True)
class _Payload:
    """The claims as they are written; read leniently, so that a newer server may add some."""

    iss: str
    aud: str
    sub: str
    client_id: str
    iat: int
    nbf: int | None = None
    exp: int
    jti: str
    scope: str
    epoch: int | None = None
    sid: str | None = None


class _OneAlgorithm(JWSRegistry):
    """Knows EdDSA alone. RFC 9864 calls it Ed25519, but few libraries know that name yet."""

    def get_alg(self, name: str) -> Any:  # its type is private to joserfc
        return self.algorithms[name]


@lru_cache(64)
def _key_id(header: str) -> str:
    """Read the id of the key; empty unless everything else in the header is as we write it."""
    match orjson.loads(urlsafe_b64decode(f"{header}==")):
        case {"typ": str(kind), "alg": str(algorithm), "kid": str(key_id), **more}:
            return key_id if not more and (kind, algorithm) == (_TYPE, ALGORITHM) else ""
        case _:
            return ""


_REGISTRY = _OneAlgorithm()


def _scopes(text: str) -> frozenset[Scope]:
    """The scopes we know: a newer server may have written others."""
    return frozenset(scope for scope in Scope if scope in text.split())
