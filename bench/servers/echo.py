"""The bare aiohttp server that ours is compared with: JSON in, the same JSON out; uvloop, orjson, no access log."""

from __future__ import annotations

import asyncio
import sys

import orjson
import uvloop
from aiohttp import web


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps(orjson.loads(await request.read())), content_type="application/json")


async def serve() -> None:
    app = web.Application()
    app.router.add_post("/{path:.*}", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stderr.write(f"echo: listening on http://127.0.0.1:{runner.addresses[0][1]}\n")
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve())
