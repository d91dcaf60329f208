"""Secrets and signatures of Standard Webhooks, version 1: HMAC-SHA256 over the id, the moment and the body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """Make a secret: `whsec_` and 32 random bytes in Base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(message_id: str, timestamp: int, body: bytes, with_secrets: Sequence[str]) -> dict[str, str]:
    """Make the headers of a delivery: a receiver accepts it if one of the signatures is right.

    Args:
        message_id: the same at every attempt; without a full stop, which separates the parts of what is signed.
        timestamp: seconds since 1970, of this attempt.
        body: as it is sent.
        with_secrets: the living secrets.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(content, secret) for secret in with_secrets),
    }


def _signature(content: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
