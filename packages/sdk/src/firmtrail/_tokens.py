"""Access tokens without I/O: what is asked for, and when a token is replaced by the next one."""

from __future__ import annotations

from contextlib import suppress

import firmtrail_contract
from firmtrail._calls import Answer, Call, decode
from firmtrail._sessions import SessionTokens
from firmtrail.credentials import ApiKey, Login, Token
from firmtrail.errors import ConfigError, CredentialsError, DecodeError

#: far more than any token, and little enough for the memory of a small device
_MAX_TOKEN_BYTES = 64 * 1024
#: A token is replaced when about 80 % of its life is over; not exactly, so that many clients do not come at once.
_REPLACED_FROM, _REPLACED_WITHIN = 0.75, 0.1


def token_call(credential: ApiKey | Login, *, offline_access: bool = False) -> Call:
    """What to ask the token endpoint for; an API key shows itself in a header, a user in the form.

    With `offline_access` a user begins a session.
    """
    form = {"grant_type": "client_credentials"}
    if isinstance(credential, Login):
        form = {"grant_type": "password", "username": credential.email, "password": credential.password}
    if offline_access:
        form["scope"] = "offline_access"
    return Call(method="POST", path="/v1/oauth/token", repeatable=True, form=form, max_answer_bytes=_MAX_TOKEN_BYTES)


def refresh_call(refresh_token: str) -> Call:
    """What to ask for as a session. The server answers a repetition within a minute as it did the first time."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return Call(method="POST", path="/v1/oauth/token", repeatable=True, form=form, max_answer_bytes=_MAX_TOKEN_BYTES)


def stored_tokens(answer: Answer, url: str, *, now: float, random: float) -> SessionTokens:
    """Take what a session has now; `now` is in seconds since 1970, `random` from 0 to 1.

    Raises:
        DecodeError: the answer holds no such tokens.
    """
    granted = decode(answer, firmtrail_contract.AccessToken)
    token = new_token(answer, asked_at=now, random=random)
    if granted.refresh_token is None:
        raise DecodeError("The answer holds no refresh token.", status=answer.status, request_id=answer.request_id)
    return SessionTokens(
        url=url, refresh_token=granted.refresh_token, access_token=token.value, renew_at=token.replace_at
    )


def new_token(answer: Answer, *, asked_at: float, random: float) -> Token:
    """Take the token of an answer; `random` is from 0 to 1.

    Raises:
        DecodeError: the answer holds none that could be sent.
    """
    granted = decode(answer, firmtrail_contract.AccessToken)
    life = granted.expires_in * (_REPLACED_FROM + _REPLACED_WITHIN * random)
    if granted.token_type.lower() == "bearer":
        with suppress(CredentialsError):
            return Token(value=granted.access_token, replace_at=asked_at + life)
    raise DecodeError("The answer holds no Bearer token.", status=answer.status, request_id=answer.request_id)


def no_endpoint(url: str) -> ConfigError:
    """Say what to do with a server that knows no access tokens."""
    reason = f"{url} gives no access tokens: it is an older Firmtrail server, or none."
    return ConfigError.said(
        f'{reason} Pass auth="basic", or set FIRMTRAIL_AUTH=basic, to send the API key itself with each call.',
        in_shell=f"{reason} Set FIRMTRAIL_AUTH=basic to send the API key itself with each call.",
    )
