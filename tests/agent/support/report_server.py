"""A real HTTP server in the place of Firmtrail's: it takes batches, remembers them, and can be told to fail."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Self

import attrs
from aiohttp import web

Answer = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


@attrs.frozen(kw_only=True)
class Received:
    """A batch, as it came."""

    device_id: str
    credential: str
    #: `Basic` or `Bearer`
    scheme: str
    sent: dict[str, Any]
    records: list[dict[str, Any]]
    #: None: it announced none
    interval_seconds: int | None
    #: what the agent says of itself; None: nothing
    agent: dict[str, Any] | None

    @property
    def history(self) -> list[dict[str, str]]:
        """What ran, by its records in their order."""
        return [
            {one["component"]: one["version"] or f"error: {one['error']}" for one in record["components"]}
            for record in self.records
        ]

    @property
    def versions(self) -> dict[str, str]:
        """What runs, by its last record."""
        return self.history[-1] if self.records else {}


class ReportServer:
    """`answer` decides what the next requests get."""

    def __init__(self, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._tls = tls
        self._port = port
        self.received: list[Received] = []
        self.answer: Answer = taken
        self._arrivals: asyncio.Queue[Received] = asyncio.Queue()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/devices/{device_id}/firmware_reports", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._tls)
        await site.start()
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def hang_up(self) -> None:
        """End the connections that there are; who wants to go on has to come anew."""
        assert self._runner is not None
        assert self._runner.server is not None
        for connection in [*self._runner.server.connections]:
            connection.close()

    async def arrival(self) -> Received:
        """Wait for the next batch."""
        return await self._arrivals.get()

    async def arrival_of(self, **versions: str) -> Received:
        """Wait for a batch that ends with these versions."""
        while (batch := await self.arrival()).versions != versions:
            pass
        return batch

    def versions(self) -> dict[str, str]:
        """What was reported last."""
        return self.received[-1].versions if self.received else {}

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        batch = Received(
            device_id=request.match_info["device_id"],
            credential=credential(request),
            scheme=request.headers["Authorization"].partition(" ")[0],
            sent=body["sent"],
            records=body["records"],
            interval_seconds=body.get("interval_seconds"),
            agent=body.get("agent"),
        )
        self.received.append(batch)
        self._arrivals.put_nowait(batch)
        return await self.answer(request, body)


def credential(request: web.Request) -> str:
    """Read the "<key id>:<secret>" that a request carries."""
    _, _, value = request.headers["Authorization"].partition(" ")
    return base64.b64decode(value).decode()


def receipt(record: dict[str, Any]) -> dict[str, Any]:
    """Take a record, as the real server does."""
    moment = {"at": "2026-11-01T12:00:00Z", "source": "boot_clock"}
    outcomes = [
        {"component": one["component"], "outcome": "opened" if one["version"] else None} for one in record["components"]
    ]
    return {
        "problem": None,
        "errors": [],
        "first_observed": moment,
        "last_observed": moment,
        "components": outcomes,
    }


def refusal(detail: str = "must have at most 128 characters") -> dict[str, Any]:
    """Refuse a record, as the real server does."""
    error = {"location": "body", "pointer": "/records/0/x", "code": "too_long", "detail": detail}
    return {
        "problem": "invalid_request",
        "errors": [error],
        "first_observed": None,
        "last_observed": None,
        "components": [],
    }


def answering(receipts: list[dict[str, Any]], **more: Any) -> web.Response:
    now = dt.datetime.now(dt.UTC).isoformat()
    return web.json_response(
        {"records": receipts, "received_at": now, "next_report_in_seconds": None, "resync": False} | more
    )


async def taken(_: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    return answering([receipt(record) for record in body["records"]])


def taking(**more: Any) -> Answer:
    """Take everything, and say something else beside it."""

    async def answer(_: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return answering([receipt(record) for record in body["records"]], **more)

    return answer


def refusing(status: int, *, detail: str = "Not today.", **headers: str) -> Answer:
    """Refuse everything with a problem document."""

    async def answer(*_: object) -> web.StreamResponse:
        problem = {"code": "made_up", "title": "no", "status": status, "detail": detail, "request_id": "r1"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(problem, status=status, headers=named, content_type="application/problem+json")

    return answer


def bare(status: int, text: str = "<html>No.</html>", content_type: str = "text/html", **headers: str) -> Answer:
    """Answer like something that stands between a device and its server."""

    async def answer(*_: object) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, content_type=content_type, headers=named)

    return answer


def refusing_records(version: str) -> Answer:
    """Refuse every record with this version, and take its neighbours."""

    async def answer(_: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return answering(
            [
                refusal() if any(one["version"] == version for one in record["components"]) else receipt(record)
                for record in body["records"]
            ]
        )

    return answer


def refusing_batches_with(version: str, status: int) -> Answer:
    """Refuse whole requests because of one record in them."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        bad = any(one["version"] == version for record in body["records"] for one in record["components"])
        return await (refusing(status) if bad else taken)(request, body)

    return answer


def taking_only(known: str) -> Answer:
    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return await (taken if credential(request) == known else refusing(401))(request, body)

    return answer


async def reset(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
    """Cut the connection instead of answering."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def reset_in_the_middle(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Take everything, begin to answer, and cut the connection."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"records": [')
    assert request.transport is not None
    request.transport.abort()
    return response


async def truncated(_: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Answer with half of a document."""
    whole = answering([receipt(record) for record in body["records"]]).body
    assert isinstance(whole, bytes)
    return web.Response(body=whole[: len(whole) // 2], content_type="application/json")


async def ten_megabytes(*_: object) -> web.StreamResponse:
    return web.Response(body=b'{"records": [' + b"0," * 5_000_000, content_type="application/json")


async def about_another_batch(*_: object) -> web.StreamResponse:
    """Answer as if nothing had been sent."""
    return answering([])


async def silent(*_: object) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    return web.Response()


async def nonsense(*_: object) -> web.StreamResponse:
    """Answer like the log-in page of a hotel's network."""
    return web.Response(text="<html>Welcome!</html>", content_type="text/html")
