"""The cookie that keeps a browser signed in: what it holds, how it is set, read and removed."""

from __future__ import annotations

from aiohttp import web

from firmtrail_server.http.address import is_secure
from firmtrail_server.http.context import Services
from firmtrail_server.services.authentication import Credential

_NAME = "firmtrail"
#: a browser takes a cookie of this name only with Secure, for this host alone, and for all its paths (RFC 6265bis)
_SECURE_NAME = f"__Host-{_NAME}"
_ENDED = "Max-Age=0"


class Cookies:
    """Sessions of browsers. The value is an access token, which ends with its life or with the user's password."""

    def __init__(self, services: Services) -> None:
        self._settings, self._authentication = services.settings, services.authentication

    def session(self, request: web.BaseRequest) -> str:
        """Return what the cookie holds; empty: there is none."""
        return request.cookies.get(self._name(request), "")

    def credential(self, request: web.BaseRequest) -> Credential:
        """Read whose session it is.

        Raises:
            TokenNotValid: nobody's, or not any more.
        """
        return self._authentication.of_token(self.session(request))

    def kept(self, request: web.BaseRequest, session: str) -> str:
        """The header's value that keeps a session for as long as it can live."""
        return self._cookie(request, session, f"Max-Age={self._settings.token_seconds}")

    def ended(self, request: web.BaseRequest) -> str:
        """The header's value that removes the session."""
        return self._cookie(request, "", _ENDED)

    def _cookie(self, request: web.BaseRequest, value: str, life: str) -> str:
        secure = "; Secure" if self._is_secure(request) else ""
        return f"{self._name(request)}={value}; Path=/; {life}; HttpOnly; SameSite=Lax{secure}"

    def _name(self, request: web.BaseRequest) -> str:
        return _SECURE_NAME if self._is_secure(request) else _NAME

    def _is_secure(self, request: web.BaseRequest) -> bool:
        return is_secure(request, self._settings.trusted_proxies, self._settings.public_url)
