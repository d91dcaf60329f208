"""Pins: hashes of public keys, one of which a server must show. A pin is `sha256/BASE64` (RFC 7469, section 2.4)."""

from __future__ import annotations

import base64
import hashlib
import re

from firmtrail_agent.validation.spki import subject_public_key_info

#: curl writes two slashes
_PIN = re.compile(r"sha256//?([A-Za-z0-9+/]{43}=)")


def pin_of(certificate: bytes) -> str:
    """Make the pin of the public key in a certificate, which is in DER form.

    Raises:
        NotACertificate: it is none.
    """
    return _written(hashlib.sha256(subject_public_key_info(certificate)).digest())


def parse_pin(text: str) -> str:
    """Take a pin as this module or curl writes it, or raise `ValueError`."""
    found = _PIN.fullmatch(text)
    if found is None:
        raise ValueError
    return _written(base64.b64decode(found[1]))


def _written(digest: bytes) -> str:
    return f"sha256/{base64.b64encode(digest).decode()}"
