"""Access tokens without I/O: what is asked for, and when a token is replaced by the next one."""

from __future__ import annotations

import re

import attrs

from firmtrail._calls import Answer, Call, decode
from firmtrail.errors import ConfigError, DecodeError
from firmtrail_contract import AccessToken

TOKEN_CALL = Call(method="POST", path="/v1/oauth/token", repeatable=True, form={"grant_type": "client_credentials"})

#: A token is replaced when about 80 % of its life is over; not exactly, so that many clients do not come at once.
_REPLACED_FROM, _REPLACED_WITHIN = 0.75, 0.1
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


@attrs.frozen(kw_only=True)
class Token:
    """An access token that calls may carry. It is in no `repr`."""

    value: str = attrs.field(repr=False)
    #: by the clock that the client's deadlines are measured with
    replace_at: float


def new_token(answer: Answer, *, asked_at: float, random: float) -> Token:
    """Take the token of an answer; `random` is from 0 to 1.

    Raises:
        DecodeError: the answer holds none that could be sent.
    """
    granted = decode(answer, AccessToken)
    if granted.token_type.lower() != "bearer" or not _BEARER.fullmatch(granted.access_token):
        raise DecodeError("The answer holds no Bearer token.", status=answer.status, request_id=answer.request_id)
    life = granted.expires_in * (_REPLACED_FROM + _REPLACED_WITHIN * random)
    return Token(value=granted.access_token, replace_at=asked_at + life)


def no_endpoint(url: str) -> ConfigError:
    """Say what to do with a server that knows no access tokens."""
    return ConfigError(
        f'{url} gives no access tokens: it is an older Firmtrail server, or none. Pass auth="basic", or set '
        "FIRMTRAIL_AUTH=basic, to send the API key itself with each call."
    )
