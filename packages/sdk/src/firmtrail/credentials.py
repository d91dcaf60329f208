"""Who a client is, and how it shows that. Where a credential is looked for is in _settings.py."""

from __future__ import annotations

import math
import re
import uuid
from typing import Any, Self

import attrs

from firmtrail.errors import CredentialsError

_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


def _one_word(_instance: object, attribute: attrs.Attribute[Any], value: str) -> None:
    if not value or not value.isprintable() or " " in value:
        raise CredentialsError(f"The {attribute.name} of an API key must be one word without spaces.")


def _no_colon(_instance: object, _attribute: attrs.Attribute[Any], value: str) -> None:
    if ":" in value:
        raise CredentialsError("The id of an API key must not hold a colon.")


def _text(value: str | uuid.UUID) -> str:
    return str(value)


@attrs.frozen(kw_only=True)
class ApiKey:
    """A project's or a device's API key. Its secret is in no `repr`.

    Args:
        id: the id of the key, a UUID.
        secret: as it was shown when the key was made.

    Raises:
        CredentialsError: one of the two is not one word, or the id holds a colon.
    """

    id: str = attrs.field(converter=_text, validator=[_one_word, _no_colon])
    secret: str = attrs.field(repr=False, validator=_one_word)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "<key id>:<secret>".

        Args:
            text: the whole of it; blanks around it do not count.

        Raises:
            CredentialsError: the text is not of that form; it is not repeated in the message.
        """
        key_id, colon, secret = text.strip().partition(":")
        if not colon:
            raise CredentialsError('An API key is written "<key id>:<secret>", with a colon between the two.')
        return cls(id=key_id, secret=secret)


@attrs.frozen(kw_only=True)
class Login:
    """A user's e-mail address and password. The password is in no `repr`.

    Args:
        email: the address that the user signed up with.
        password: the user's.
    """

    email: str
    password: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Token:
    """An access token that calls may carry. It is in no `repr`."""

    value: str = attrs.field(repr=False)
    #: by the clock that the client's deadlines are measured with
    replace_at: float = math.inf

    def __attrs_post_init__(self) -> None:
        if not _BEARER.fullmatch(self.value):
            raise CredentialsError("An access token holds only letters, digits and the marks - . _ ~ + / and =.")


#: what a client may be made with
Credential = ApiKey | Login | Token
