"""The cookies that keep a browser signed in: what they hold, how they are set, renewed and removed.

One holds the access token that the API would take, the other the refresh token of the session, which gets the next one.
"""

from __future__ import annotations

import attrs
from aiohttp import hdrs

from firmtrail_contract import AccessToken, RevocationRequest, TokenRequest
from firmtrail_server.auth.permissions import ALL_OF_A_USER, OFFLINE_ACCESS
from firmtrail_server.auth.refresh_tokens import RefreshToken
from firmtrail_server.errors import SessionEnded, TokenNotValid
from firmtrail_server.handlers.oauth import issue_token, revoke_token
from firmtrail_server.http.address import is_secure
from firmtrail_server.http.context import PublicContext, Services
from firmtrail_server.http.request import Request
from firmtrail_server.http.responses import Response
from firmtrail_server.services.authentication import Credential

#: what a login on a page asks for: all scopes, and a session
SCOPE = " ".join([*sorted(ALL_OF_A_USER), OFFLINE_ACCESS])
_ACCESS, _REFRESH = "firmtrail_access", "firmtrail_session"
#: a browser takes a cookie of such a name only with Secure, for this host alone, and for all its paths (RFC 6265bis)
_SECURE = "__Host-"
_DAY_SECONDS = 86_400


@attrs.frozen
class Cookies:
    """Sessions of browsers."""

    _services: Services

    def is_signed_in(self, request: Request) -> bool:
        """Whether the browser has a session, which may have ended."""
        return bool(self._read(request, _REFRESH))

    async def credential(self, request: Request, ctx: PublicContext) -> Credential:
        """Read whose session it is, and renew the access token where that has expired.

        Raises:
            TokenNotValid: nobody's, or not any more.
        """
        of_token = self._services.authentication.of_token
        try:
            return of_token(self._read(request, _ACCESS))
        except TokenNotValid:
            token = request.renewed = await self._renewed(self._read(request, _REFRESH), ctx)
            return of_token(token.access_token)

    def check_expiry(self, request: Request) -> None:
        """Raise `TokenNotValid` when the access token that the browser sent has expired."""
        self._services.authentication.of_token(self._read(request, _ACCESS))

    def bound_to(self, request: Request) -> str:
        """Name the session for form tokens: the same for as long as it lasts; empty: there is none."""
        try:
            return RefreshToken.parse(self._read(request, _REFRESH)).session_id.hex
        except SessionEnded:
            return ""

    async def end(self, request: Request, ctx: PublicContext) -> None:
        """End the session on the server."""
        if token := self._read(request, _REFRESH):
            await revoke_token(ctx, RevocationRequest(token=token))

    def keep_renewed(self, request: Request, response: Response) -> None:
        """Let the browser keep what this request has renewed."""
        if (token := request.renewed) is not None:
            self.keep(request, response, token)

    def keep(self, request: Request, response: Response, token: AccessToken) -> None:
        """Let the browser keep a session; it takes the place of one that this request has renewed."""
        request.renewed = None
        self._set(request, response, _ACCESS, token.access_token, token.expires_in)
        longest = self._services.settings.session_days * _DAY_SECONDS
        self._set(request, response, _REFRESH, token.refresh_token or "", longest)

    def remove(self, request: Request, response: Response) -> None:
        """Let the browser forget the session."""
        for name in (_ACCESS, _REFRESH):
            self._set(request, response, name, "", 0)

    @staticmethod
    async def _renewed(refresh_token: str, ctx: PublicContext) -> AccessToken:
        if not refresh_token:
            raise TokenNotValid
        try:
            return await issue_token(ctx, TokenRequest(grant_type="refresh_token", refresh_token=refresh_token))
        except SessionEnded:
            raise TokenNotValid from None

    def _read(self, request: Request, name: str) -> str:
        pairs = (one.strip().partition("=") for one in request.headers.get(hdrs.COOKIE, "").split(";"))
        return {key: value for key, _, value in pairs}.get(self._named(request, name), "")

    def _set(self, request: Request, response: Response, name: str, value: str, seconds: int) -> None:
        secure = "; Secure" if self._is_secure(request) else ""
        cookie = f"{self._named(request, name)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        response.headers.add(hdrs.SET_COOKIE, cookie)

    def _named(self, request: Request, name: str) -> str:
        return f"{_SECURE}{name}" if self._is_secure(request) else name

    def _is_secure(self, request: Request) -> bool:
        settings = self._services.settings
        return is_secure(request, settings.trusted_proxies, settings.public_url)
