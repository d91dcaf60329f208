"""Refresh tokens: `ftr_`, the id of a session, 256 bits that nobody can guess, and a checksum. No I/O.

A token is used once. Its successor follows from it and a salt, so that who did not get the answer can ask again and is
given the same successor, though the server stores digests alone (docs/decisions/0018-refresh-tokens.md).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import Self

import attrs

from firmtrail_server.auth.credentials import (
    CHECKSUM_LENGTH,
    WORD_LENGTH,
    SecretDigests,
    SecretPrefix,
    checksum,
    random_word,
    word_of,
)
from firmtrail_server.errors import SessionEnded

_ID_LENGTH = len(uuid.UUID(int=0).hex)
_LENGTH = len(SecretPrefix.REFRESH) + _ID_LENGTH + WORD_LENGTH + CHECKSUM_LENGTH


@attrs.frozen
class RefreshToken:
    """A token, taken apart."""

    session_id: uuid.UUID
    word: str = attrs.field(repr=False)

    @classmethod
    def new(cls, session_id: uuid.UUID) -> Self:
        return cls(session_id, random_word())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a token, or raise `SessionEnded` if this cannot be one of ours."""
        body, rest = text[:-CHECKSUM_LENGTH], text[len(SecretPrefix.REFRESH) :]
        if not (len(text) == _LENGTH and text.isascii() and text.startswith(SecretPrefix.REFRESH)):
            raise SessionEnded
        try:
            session_id = uuid.UUID(hex=rest[:_ID_LENGTH])
        except ValueError:
            raise SessionEnded from None
        if not compare_digest(text, body + checksum(body)):
            raise SessionEnded
        return cls(session_id, rest[_ID_LENGTH:-CHECKSUM_LENGTH])

    @property
    def text(self) -> str:
        body = f"{SecretPrefix.REFRESH}{self.session_id.hex}{self.word}"
        return body + checksum(body)

    def successor(self, salt: bytes) -> Self:
        """Make the token that takes the place of this one."""
        bits = blake2b(self.word.encode(), digest_size=32, salt=salt, person=b"refresh token").digest()
        return type(self)(self.session_id, word_of(bits))


class RefreshDigests:
    """What is stored of tokens: digests keyed like those of API keys, by the key that signs.

    A digest that an older key of the set made is known too, so that sessions outlive the replacement of a signing key.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.use(keys)

    def use(self, keys: Sequence[bytes]) -> None:
        """Take other secrets of the server's, that which makes digests first."""
        self._digests = [SecretDigests(key) for key in keys]

    def of(self, token: RefreshToken) -> bytes:
        return self._digests[0].of(token.text)

    def is_of(self, stored: bytes | None, token: RefreshToken) -> bool:
        return stored is not None and any(compare_digest(stored, one.of(token.text)) for one in self._digests)
