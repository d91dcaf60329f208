"""Those who ask: a client of the server with one credential, and short ways to say what is asked and answered."""

from __future__ import annotations

from typing import Any

import attrs
import httpx


@attrs.frozen
class Caller:
    """Somebody with an API key, or a user with a token; paths are those below /v1."""

    http: httpx.AsyncClient
    #: without one it is nobody
    auth: httpx.Auth | tuple[str, str] = attrs.field(factory=httpx.Auth, repr=False)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.http.get(f"/v1/{path}", params=query, auth=self.auth)

    async def post(self, path: str, body: Any = None, **query: Any) -> httpx.Response:
        return await self.http.post(f"/v1/{path}", json=body, params=query, auth=self.auth)

    async def bare_post(self, path: str) -> httpx.Response:
        """Post without a body."""
        return await self.http.post(f"/v1/{path}", auth=self.auth)

    async def upload(self, path: str, content: str | bytes, content_type: str, **query: Any) -> httpx.Response:
        headers = {"Content-Type": content_type}
        return await self.http.post(f"/v1/{path}", content=content, headers=headers, params=query, auth=self.auth)

    async def patch(self, path: str, body: Any) -> httpx.Response:
        return await self.http.patch(f"/v1/{path}", json=body, auth=self.auth)

    async def put(self, path: str, body: Any) -> httpx.Response:
        return await self.http.put(f"/v1/{path}", json=body, auth=self.auth)

    async def delete(self, path: str, **query: Any) -> httpx.Response:
        return await self.http.delete(f"/v1/{path}", params=query, auth=self.auth)


def key_of(issued: Any) -> tuple[str, str]:
    """The credential in an answer that issued a key."""
    return issued["id"], issued["secret"]


def made(answer: httpx.Response) -> Any:
    """What an answer that had to be a 201 made."""
    assert answer.status_code == 201, answer.text
    return answer.json()


def read(answer: httpx.Response) -> Any:
    """What an answer that had to be a 200 holds."""
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code of a problem."""
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == answer.status_code
    return answer.status_code, problem["code"]


def wrong_fields(answer: httpx.Response) -> list[tuple[str, str]]:
    """Where a request was not valid, and why."""
    assert refusal(answer) == (422, "invalid_request"), answer.text
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


async def all_pages(caller: Caller, path: str, **query: Any) -> list[Any]:
    """Every item of a list, read page by page."""
    items: list[Any] = []
    token: dict[str, str] = {}
    while True:
        page = read(await caller.get(path, **query, **token))
        items += page["items"]
        if page["next_page_token"] is None:
            return items
        token = {"page_token": page["next_page_token"]}
