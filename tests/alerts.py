"""A TLS server that says why it refuses a client, as most do; that of asyncio hangs up without a word."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

_MOST = 64 * 1024


@asynccontextmanager
async def refusing_clients(context: ssl.SSLContext) -> AsyncGenerator[str]:
    """End every handshake with the alert that it deserves, and wait until the client has hung up."""
    conversations = set[asyncio.Future[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.add(over := asyncio.get_running_loop().create_future())
        with suppress(ConnectionError):
            await _shake_hands(context, reader, writer)
            await reader.read()
        writer.close()
        over.set_result(None)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield "https://127.0.0.1:{1}".format(*listening.sockets[0].getsockname())
        await asyncio.gather(*conversations)


async def _shake_hands(context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_side=True)
    while received := await reader.read(_MOST):
        incoming.write(received)
        try:
            connection.do_handshake()
        except ssl.SSLWantReadError:
            writer.write(outgoing.read())
        except ssl.SSLError:
            writer.write(outgoing.read())
            return
