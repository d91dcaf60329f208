"""Get access tokens, and what is needed to check them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import attrs

from firmtrail_contract import AccessToken, Revocation, RevocationRequest, TokenRequest
from firmtrail_server.auth.permissions import OFFLINE_ACCESS, SCOPE_MEANINGS, Scope
from firmtrail_server.db import Transaction
from firmtrail_server.errors import (
    LoginRefused,
    ScopeNotGranted,
    SessionEnded,
    Unauthenticated,
    UnsupportedGrantType,
)
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.forms import FORM


@attrs.frozen(kw_only=True)
class AuthorizationServer:
    """The metadata of RFC 8414."""

    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]


@attrs.frozen(kw_only=True)
class PublicKey:
    """A public key that verifies access tokens (RFC 8037)."""

    kid: str
    kty: str
    crv: str
    x: str
    use: str
    alg: str


@attrs.frozen(kw_only=True)
class PublicKeys:
    """A JSON Web Key Set (RFC 7517). The first key signs."""

    keys: list[PublicKey]


async def issue_token(ctx: PublicContext, body: Annotated[TokenRequest, FORM]) -> AccessToken:
    """For a key (`client_credentials`) send its id and secret by HTTP Basic authentication, or as `client_id` and
    `client_secret`. For a user (`password`) send the e-mail address and the password as `username` and `password`. The
    token stands for the key or the user in every other operation until it expires, the key or the user is deleted, or
    the user's password changes.

    A user who adds `offline_access` to the scope begins a session, which lasts for weeks: the answer has a
    `refresh_token`, which gets the next access token (`refresh_token`) once; with it comes the next refresh token. For
    a minute a refresh token is answered with the same one again, since answers get lost. Used later it ends the
    session: somebody else may have it.
    """
    grant = _GRANTS.get(body.grant_type)
    if grant is None:
        raise UnsupportedGrantType(_GRANTS)
    return await grant(ctx, body)


async def revoke_token(ctx: PublicContext, body: Annotated[RevocationRequest, FORM]) -> Revocation:
    """Send the session's refresh token as `token`; nothing else is needed. The session's access tokens end with it. A
    token of no session is answered alike.
    """
    await ctx.db.run(Transaction.WRITE, ctx.services.sessions.revoke, body.token, ctx.visit)
    return Revocation()


async def authorization_server(ctx: PublicContext) -> AuthorizationServer:
    issuer = ctx.services.tokens.issuer
    return AuthorizationServer(
        issuer=issuer,
        token_endpoint=f"{issuer}/v1/oauth/token",
        revocation_endpoint=f"{issuer}/v1/oauth/revoke",
        jwks_uri=f"{issuer}/.well-known/jwks.json",
        scopes_supported=sorted([*SCOPE_MEANINGS, OFFLINE_ACCESS]),
        response_types_supported=[],
        grant_types_supported=[*_GRANTS],
        token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
    )


async def signing_keys(ctx: PublicContext) -> PublicKeys:
    return PublicKeys(keys=[PublicKey(**key) for key in ctx.services.tokens.keys.published()])


async def _client_credentials(ctx: PublicContext, body: TokenRequest) -> AccessToken:
    if body.client_id is None or body.client_secret is None:
        raise Unauthenticated
    key = await ctx.services.authentication.by_secret(body.client_id, body.client_secret, ctx.address)
    scopes = _narrowed(key.scopes, body.scope)
    return ctx.services.tokens.grant(key.actor_id, scopes, ctx.now(), of_device=key.device_id is not None)


async def _password(ctx: PublicContext, body: TokenRequest) -> AccessToken:
    if body.username is None or body.password is None:
        raise LoginRefused
    user = await ctx.services.authentication.by_password(body.username, body.password, ctx.address)
    wanted = (body.scope or "").split()
    scopes = [one for one in wanted if one != OFFLINE_ACCESS]
    user = attrs.evolve(user, token_scopes=_narrowed(user.token_scopes, " ".join(scopes) or None))
    if OFFLINE_ACCESS not in wanted:
        return ctx.granted(user)
    opened = await ctx.db.run(Transaction.WRITE, ctx.services.sessions.open, user, ctx.visit)
    return ctx.granted(opened.user, opened.refresh_token)


async def _refresh_token(ctx: PublicContext, body: TokenRequest) -> AccessToken:
    if body.refresh_token is None:
        raise SessionEnded
    opened = await ctx.db.run(Transaction.WRITE, ctx.services.sessions.refresh, body.refresh_token, ctx.visit)
    if opened is None:
        raise SessionEnded
    scopes = _narrowed(opened.user.token_scopes, body.scope)
    return ctx.granted(attrs.evolve(opened.user, token_scopes=scopes), opened.refresh_token)


_GRANTS: dict[str, Callable[[PublicContext, TokenRequest], Awaitable[AccessToken]]] = {
    "client_credentials": _client_credentials,
    "password": _password,
    "refresh_token": _refresh_token,
}


def _narrowed(scopes: frozenset[Scope], wanted: str | None) -> frozenset[Scope]:
    if wanted is None:
        return scopes
    narrowed = frozenset(scope for scope in scopes if scope in wanted.split())
    if not narrowed or {*wanted.split()} - narrowed:
        raise ScopeNotGranted(sorted(scopes))
    return narrowed
