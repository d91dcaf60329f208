"""A real HTTP server in the place of Firmtrail's: it takes reports, remembers them, and can be told to fail.

Its access tokens are the credentials that they were got with, in another writing.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, Self

import attrs
from aiohttp import web

Answer = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


@attrs.frozen(kw_only=True)
class Received:
    device_id: str
    component: str
    version: str
    observed_at: dt.datetime
    credential: str
    #: `Basic` or `Bearer`
    scheme: str


class ReportServer:
    """`answer` decides what the next requests get."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answer: Answer = taken
        self.answer_token: Callable[[web.Request], Awaitable[web.StreamResponse]] = granted
        self._arrivals: asyncio.Queue[Received] = asyncio.Queue()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/oauth/token", self._give_token)
        app.router.add_post("/v1/devices/{device_id}/firmware_version", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def arrival(self) -> Received:
        """Wait for the next report."""
        return await self._arrivals.get()

    def versions(self) -> dict[str, str]:
        """The last version of each component that was reported."""
        return {report.component: report.version for report in self.received}

    async def _give_token(self, request: web.Request) -> web.StreamResponse:
        return await self.answer_token(request)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        report = Received(
            device_id=request.match_info["device_id"],
            component=body["component"],
            version=body["version"],
            observed_at=dt.datetime.fromisoformat(body["observed_at"]),
            credential=credential(request),
            scheme=request.headers["Authorization"].partition(" ")[0],
        )
        self.received.append(report)
        self._arrivals.put_nowait(report)
        return await self.answer(request, body)


def credential(request: web.Request) -> str:
    """Read the "<key id>:<secret>" that a request carries, itself or as the token that `granted` gave for it."""
    scheme, _, value = request.headers["Authorization"].partition(" ")
    if scheme == "Bearer":
        return bytes.fromhex(value).decode()
    return base64.b64decode(value).decode()


async def granted(request: web.Request) -> web.StreamResponse:
    token = credential(request).encode().hex()
    return web.json_response(
        {"access_token": token, "token_type": "Bearer", "expires_in": 900, "scope": "firmware:report"}
    )


def refusing_client(*, to: str = "") -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Give no token, or none but to one credential."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if credential(request) == to:
            return await granted(request)
        refusal = {"error": "invalid_client", "error_description": "Not you."}
        return web.json_response(refusal, status=401, headers={"WWW-Authenticate": "Basic"})

    return answer


async def no_tokens(_: web.Request) -> web.StreamResponse:
    """Answer like a server of the time before access tokens."""
    return await refusing(404)(_, {})


async def taken(_: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    receipt = {
        "component": body["component"],
        "version": body["version"],
        "observed_at": body["observed_at"],
        "observed_at_source": "device",
        "outcome": "opened",
    }
    return web.json_response(receipt, status=201)


def refusing(status: int, *, detail: str = "Not today.", **headers: str) -> Answer:
    """Refuse everything with a problem document."""

    async def answer(*_: object) -> web.StreamResponse:
        problem = {"code": "made_up", "title": "no", "status": status, "detail": detail, "request_id": "r1"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(problem, status=status, headers=named, content_type="application/problem+json")

    return answer


def refusing_component(component: str, status: int) -> Answer:
    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return await (refusing(status) if body["component"] == component else taken)(request, body)

    return answer


def taking_only(known: str) -> Answer:
    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        invalid_token = refusing(401, WWW_Authenticate='Bearer error="invalid_token"')
        return await (taken if credential(request) == known else invalid_token)(request, body)

    return answer


async def reset(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
    """Cut the connection instead of answering."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def silent(*_: object) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    return web.Response()


async def nonsense(*_: object) -> web.StreamResponse:
    """Answer like the log-in page of a hotel's network."""
    return web.Response(text="<html>Welcome!</html>", content_type="text/html")
