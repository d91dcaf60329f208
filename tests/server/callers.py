"""Those who ask: a client of the server with one credential, and short ways to say what is asked and answered."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import attrs
import httpx


class Bearer(httpx.Auth):
    """An access token."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = self._header
        yield request


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


PASSWORD = "correct horse battery"


async def sign_up(http: httpx.AsyncClient, email: str, *, name: str = "Ada", **more: Any) -> None:
    """Make a user whose password is `PASSWORD`."""
    answer = await http.post("/v1/users", json={"email": email, "name": name, "password": PASSWORD, **more})
    assert answer.status_code == 202, answer.text


async def login(http: httpx.AsyncClient, email: str, password: str, **more: str) -> httpx.Response:
    """Try to log in."""
    form = {"grant_type": "password", "username": email, "password": password, **more}
    return await http.post("/v1/oauth/token", data=form)


def assert_login_refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), answer.text


async def log_in(http: httpx.AsyncClient, email: str, password: str = PASSWORD, **more: str) -> Caller:
    """The user who has this address."""
    return Caller(http, Bearer(read(await login(http, email, password, **more))["access_token"]))


async def new_user(http: httpx.AsyncClient, email: str, *, name: str = "Ada") -> Caller:
    await sign_up(http, email, name=name)
    return await log_in(http, email)


async def join(user: Caller, inviter: Caller, project: str, role: str) -> None:
    """Let somebody invite a user into a project, and the user accept it."""
    invitation = made(await inviter.post(f"{project}/invitations", {"role": role}))
    read(await user.post("invitations/accept", {"secret": invitation["secret"]}))
