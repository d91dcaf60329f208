"""Access tokens: what the token endpoint of RFC 6749 takes and gives. Its names are the RFC's."""

from __future__ import annotations

from enum import StrEnum

import attrs

from firmtrail_contract.limits import Bytes, Text, email_limits

refresh_token_limits = Text(1, 200)


class OAuthErrorCode(StrEnum):
    """Why the token endpoint refused a request; stable, for programs."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    INVALID_SCOPE = "invalid_scope"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    SERVER_ERROR = "server_error"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"


@attrs.frozen(kw_only=True)
class TokenRequest:
    """What to ask the token endpoint for, as a form. Parameters it does not know are ignored, empty ones left out."""

    #: `client_credentials` for an API key, `password` for a user, `refresh_token` for a session
    grant_type: str = attrs.field(validator=Text(1, 64))
    #: the scopes that the token shall have, with spaces between; left out: all that there are. A user who adds
    #: `offline_access` logs in for weeks: the answer holds a refresh token
    scope: str | None = attrs.field(default=None, validator=attrs.validators.optional(Text(1, 512)))
    #: the API key's id; here or by HTTP Basic authentication
    client_id: str | None = None
    #: the API key's secret; here or by HTTP Basic authentication
    client_secret: str | None = attrs.field(default=None, repr=False)
    #: the user's e-mail address
    username: str | None = attrs.field(default=None, validator=attrs.validators.optional(email_limits))
    #: the user's password
    password: str | None = attrs.field(default=None, validator=attrs.validators.optional(Bytes(1, 72)), repr=False)
    #: the session's latest refresh token
    refresh_token: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(refresh_token_limits), repr=False
    )


@attrs.frozen(kw_only=True)
class AccessToken:
    """A token that stands for an API key or a user for a short time: send it as `Authorization: Bearer TOKEN`."""

    #: opaque to clients
    access_token: str = attrs.field(repr=False)
    token_type: str = "Bearer"  # noqa: S105  the kind of token, and no password
    #: seconds from now on
    expires_in: int
    #: the scopes that the token has, with spaces between
    scope: str
    #: of a session: gets the next access token and the next of its kind, once; left out where there is no session
    refresh_token: str | None = attrs.field(default=None, repr=False, metadata={"left_out_if_null": True})


@attrs.frozen(kw_only=True)
class RevocationRequest:
    """A refresh token whose session shall end, as a form (RFC 7009). Parameters it does not know are ignored."""

    token: str = attrs.field(validator=refresh_token_limits, repr=False)


@attrs.frozen(kw_only=True)
class Revocation:
    """The session, if there was one, has ended."""


@attrs.frozen(kw_only=True)
class OAuthRefusal:
    """An error of the token endpoint, in the shape of RFC 6749, section 5.2."""

    error: OAuthErrorCode
    error_description: str
