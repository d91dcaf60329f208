"""The bare servers that ours is compared with: JSON in, the same JSON out; uvloop, orjson, no access log.

`application` stands on aiohttp's Application, `server` on what lies below it, and `ours` on our HTTP floor: dispatcher,
a route, and the body read as a model, but no credential and no database.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import orjson
import uvloop
from aiohttp import web

from firmtrail_contract import FirmwareReport
from firmtrail_server.app import create_app
from firmtrail_server.auth.permissions import Scope
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.dispatch import Dispatcher
from firmtrail_server.http.route import Route
from firmtrail_server.http.server import running_http
from firmtrail_server.process.serving import collect_rarely
from firmtrail_server.settings import Settings

_HOST = "127.0.0.1"
_NO_DATABASE = "postgresql://nobody@127.0.0.1:1/nothing"


async def echo(request: web.BaseRequest) -> web.Response:
    return web.Response(body=orjson.dumps(orjson.loads(await request.read())), content_type="application/json")


async def echo_model(ctx: PublicContext, device_id: uuid.UUID, body: FirmwareReport) -> FirmwareReport:  # noqa: ARG001
    return body


@asynccontextmanager
async def application() -> AsyncGenerator[int]:
    app = web.Application()
    app.router.add_post("/{path:.*}", echo)
    yield await _port(web.AppRunner(app, access_log=None))


@asynccontextmanager
async def server() -> AsyncGenerator[int]:
    yield await _port(web.ServerRunner(web.Server(echo, access_log=None)))


@asynccontextmanager
async def ours() -> AsyncGenerator[int]:
    route = Route("POST", "/v1/devices/{device_id}/firmware_version", echo_model, Scope.PUBLIC, summary="Echo")
    services = create_app(Settings(), _NO_DATABASE).services
    async with running_http(Dispatcher([route], services), shutdown_timeout=1) as http:
        await http.listen((_HOST, 0))
        collect_rarely()
        yield http.port


KINDS = {"application": application, "server": server, "ours": ours}


async def _port(runner: web.BaseRunner) -> int:
    await runner.setup()
    await web.TCPSite(runner, _HOST, 0).start()
    return runner.addresses[0][1]


async def serve(kind: str) -> None:
    async with KINDS[kind]() as port:
        sys.stderr.write(f"echo: listening on http://{_HOST}:{port}\n")
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
