"""Access tokens made by hand, from raw bytes and `cryptography` alone: good ones, and what an attacker would send."""

from __future__ import annotations

import base64
import json
from typing import Any

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ISSUER = "https://firmtrail.example.com"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def segment(value: object) -> str:
    return encoded(json.dumps(value).encode())


@attrs.frozen
class Signer:
    """A key of our own, as the server would be configured with it."""

    kid: str
    key: Ed25519PrivateKey = attrs.field(factory=Ed25519PrivateKey.generate)

    @property
    def public_bytes(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def jwk(self) -> dict[str, str]:
        secret = encoded(self.key.private_bytes_raw())
        return {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": encoded(self.public_bytes), "d": secret}

    @property
    def header(self) -> dict[str, Any]:
        return {"typ": "at+jwt", "alg": "EdDSA", "kid": self.kid}

    def sign(self, header: object, claims: object) -> str:
        signed = f"{segment(header)}.{segment(claims)}"
        return f"{signed}.{encoded(self.key.sign(signed.encode()))}"


def key_set(*signers: Signer) -> str:
    return json.dumps({"keys": [signer.jwk for signer in signers]})


def good_claims(api_key_id: str, now: float, scope: str = "firmware:read") -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": api_key_id,
        "client_id": api_key_id,
        "iat": int(now),
        "exp": int(now) + 900,
        "jti": "one",
        "scope": scope,
    }
