"""A browser as far as HTTP goes: it keeps cookies, follows links and sends the forms of pages."""

from __future__ import annotations

import re
from html import unescape

import attrs
import httpx

from tests.server.callers import PASSWORD

_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_TEXT = re.compile(r"<[^>]*>")
_HTML = {"Accept": "text/html"}


@attrs.frozen
class Browser:
    """Somebody who looks at pages."""

    http: httpx.AsyncClient

    async def get(self, path: str, **query: str) -> httpx.Response:
        return await self.http.get(path, params=query or None, headers=_HTML)

    async def opened(self, path: str, **query: str) -> str:
        """The text of a page that had to open."""
        answer = await self.get(path, **query)
        assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("Location"))
        return answer.text

    async def post(self, path: str, page: str, **fields: str) -> httpx.Response:
        """Send a form as it stands on a page."""
        token = form_token(await self.opened(page))
        return await self.http.post(path, data={"form_token": token, **fields})

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.post("/sign-in", "/sign-in", email=email, password=password)


def form_token(page: str) -> str:
    found = _TOKEN.search(page)
    assert found is not None
    return found[1]


def text_of(page: str) -> str:
    """What a reader sees, words with single spaces between."""
    return " ".join(unescape(_TEXT.sub(" ", page)).split())


def keys_on(page: str) -> tuple[str, str]:
    """The id and the secret of the key that a page shows."""
    found = re.search(r"<code>([0-9a-f-]{36}):(\w+)</code>", page)
    assert found is not None
    return found[1], found[2]
