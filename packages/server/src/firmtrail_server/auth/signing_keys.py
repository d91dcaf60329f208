"""The keys that sign access tokens: a private JSON Web Key Set (RFC 7517), all of it Ed25519.

The first key signs, all of them verify and are published: that is how a key is replaced without refusing a token.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, cast

import attrs
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

ALGORITHM = "EdDSA"
_CURVE = "Ed25519"


class BadSigningKeys(Exception):
    """A text or a file that holds no usable keys. The message repeats nothing of it: it may hold a secret."""


class _Signer(Protocol):
    """An Ed25519 key, of whichever library joserfc uses."""

    def sign(self, data: bytes) -> bytes: ...


@attrs.frozen
class SigningKeys:
    """One key or more, by their ids; the first one signs."""

    by_id: dict[str, OKPKey] = attrs.field(
        repr=False, eq=lambda by_id: [(key_id, by_id[key_id].thumbprint()) for key_id in by_id]
    )

    @property
    def signing_id(self) -> str:
        return next(iter(self.by_id))

    def signature(self, key_id: str, message: bytes) -> bytes | None:
        """Sign a message, as a JSON Web Signature writes it; None if there is no such key."""
        key = self.by_id.get(key_id)
        if key is None:
            return None
        signer = cast("_Signer", key.get_op_key("sign"))
        return base64.urlsafe_b64encode(signer.sign(message)).rstrip(b"=")

    def digest_key(self) -> bytes:
        """The secret that digests of API keys' secrets are keyed with: it follows from the key that signs."""
        return self.digest_keys()[0]

    def digest_keys(self) -> list[bytes]:
        """The same of every key, that of the key that signs in front."""
        return [_digest_key(key) for key in self.by_id.values()]

    def published(self) -> list[dict[str, Any]]:
        """The public halves, as they stand in a JSON Web Key Set."""
        return [_parameters(key_id) | key.as_dict(private=False) for key_id, key in self.by_id.items()]

    def as_text(self) -> str:
        """Write the private set, as `read_signing_keys` reads it."""
        keys = [_parameters(key_id) | key.as_dict(private=True) for key_id, key in self.by_id.items()]
        return json.dumps({"keys": keys}, indent=2) + "\n"

    def signed_by(self, key_id: str) -> SigningKeys:
        """Put one of these in front."""
        return SigningKeys({key_id: self.by_id[key_id]} | self.by_id)

    def with_new_key(self) -> SigningKeys:
        """Put a new key in front of these."""
        return SigningKeys(new_signing_keys().by_id | self.by_id)


def new_signing_keys() -> SigningKeys:
    """Make a set of one new key."""
    key = OKPKey.generate_key(_CURVE)
    return SigningKeys({key.thumbprint(): key})


def read_signing_keys(text: str) -> SigningKeys:
    """Read a private JSON Web Key Set; a key without `kid` gets its thumbprint (RFC 7638).

    Raises:
        BadSigningKeys: it is none, is empty, or holds another kind of key.
    """
    try:
        jwks = json.loads(text)["keys"]
        keys = [_identified(jwk) for jwk in jwks]
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadSigningKeys(
            'must be a JSON Web Key Set, {"keys": [...]}, of private Ed25519 keys; '
            "firmtrail-server signing-key makes one"
        ) from None
    by_id = dict(keys)
    if not keys or len(by_id) != len(keys):
        raise BadSigningKeys("must hold at least one key, and each with a kid of its own")
    return SigningKeys(by_id)


def keep_signing_keys(file: Path) -> SigningKeys:
    """Read the keys of an earlier start, or make one now; servers that start at once end up with the same.

    Raises:
        BadSigningKeys: the file cannot be read or written, or something else is in it.
    """
    try:
        if not file.exists():
            _write_once(file, new_signing_keys().as_text())
        return read_signing_keys(file.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise BadSigningKeys(f"The signing keys in {file} cannot be kept: {error.strerror}.") from error
    except BadSigningKeys as error:
        raise BadSigningKeys(f"{file} is damaged: it {error}. Remove it, and the next start makes a new one.") from None


def _digest_key(key: OKPKey) -> bytes:
    private = base64.urlsafe_b64decode(f"{key.as_dict(private=True)['d']}==")
    return hashlib.blake2b(key=private, digest_size=32, person=b"secret digests").digest()


def _parameters(key_id: str) -> dict[str, str]:
    return {"kid": key_id, "use": "sig", "alg": ALGORITHM}


def _identified(jwk: dict[str, Any]) -> tuple[str, OKPKey]:
    key = _private_key(jwk)
    key_id = jwk.get("kid", key.thumbprint())
    if not isinstance(key_id, str):
        raise TypeError("a kid is a text")
    return key_id, key


def _private_key(jwk: dict[str, Any]) -> OKPKey:
    if (jwk["kty"], jwk["crv"]) != ("OKP", _CURVE) or jwk.get("alg", ALGORITHM) not in {ALGORITHM, _CURVE}:
        raise ValueError("another kind of key")
    key = OKPKey.import_key(OKPKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "d")}).raw_value)
    if key.as_dict(private=False)["x"] != jwk["x"]:
        raise ValueError("the public half belongs to another key")
    return key


def _write_once(file: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all, unless somebody else has just written it."""
    scratch = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            os.link(scratch, file)  # a rename would replace the key of one who was faster
    finally:
        scratch.unlink()
    _sync(file.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
