"""Get access tokens, and what is needed to check them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import attrs

from firmtrail_contract import AccessToken, TokenRequest
from firmtrail_server.access import SCOPE_MEANINGS, Principal, Scope
from firmtrail_server.errors import ScopeNotGranted, Unauthenticated, UnsupportedGrantType
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.forms import FORM


@attrs.frozen(kw_only=True)
class AuthorizationServer:
    """The metadata of RFC 8414."""

    issuer: str
    token_endpoint: str
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
    """Get an access token for an API key, as RFC 6749 says.

    Send the key's id and secret by HTTP Basic authentication, or as `client_id` and `client_secret`. The token stands
    for the key in every other operation until it expires, or the key is deleted.
    """
    grant = _GRANTS.get(body.grant_type)
    if grant is None:
        raise UnsupportedGrantType(_GRANTS)
    principal = await grant(ctx, body)
    scopes = _narrowed(principal.scopes, body.scope)
    return AccessToken(
        access_token=ctx.services.tokens.issue(principal.actor_id, scopes, ctx.now()),
        expires_in=ctx.services.tokens.life_seconds,
        scope=" ".join(sorted(scopes)),
    )


async def authorization_server(ctx: PublicContext) -> AuthorizationServer:
    """Read where to get access tokens, and how."""
    issuer = ctx.services.tokens.issuer
    return AuthorizationServer(
        issuer=issuer,
        token_endpoint=f"{issuer}/v1/oauth/token",
        jwks_uri=f"{issuer}/.well-known/jwks.json",
        scopes_supported=sorted(SCOPE_MEANINGS),
        response_types_supported=[],
        grant_types_supported=[*_GRANTS],
        token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
    )


async def signing_keys(ctx: PublicContext) -> PublicKeys:
    """Get the public keys that verify access tokens."""
    return PublicKeys(keys=[PublicKey(**key) for key in ctx.services.tokens.keys.published()])


async def _client_credentials(ctx: PublicContext, body: TokenRequest) -> Principal:
    if body.client_id is None or body.client_secret is None:
        raise Unauthenticated
    verified = await ctx.services.authentication.by_secret(body.client_id, body.client_secret, ctx.address)
    return verified.principal


_GRANTS: dict[str, Callable[[PublicContext, TokenRequest], Awaitable[Principal]]] = {
    "client_credentials": _client_credentials,
}


def _narrowed(scopes: frozenset[Scope], wanted: str | None) -> frozenset[Scope]:
    if wanted is None:
        return scopes
    narrowed = frozenset(scope for scope in scopes if scope in wanted.split())
    if not narrowed or {*wanted.split()} - narrowed:
        raise ScopeNotGranted(sorted(scopes))
    return narrowed
