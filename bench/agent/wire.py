"""A server that takes every report, over TLS, behind a wire that counts all bytes that pass, handshakes included."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import web

REPORT_PATH = "/v1/devices/{device_id}/firmware_reports"


class Wire:
    """Where the agent connects to."""

    def __init__(self) -> None:
        self.bytes = 0
        self.url = ""
        #: it answers 503 to each report
        self.is_away = False
        self._arrived = asyncio.Event()
        self._port = 0

    async def report(self, seconds: float = 60) -> None:
        """Wait until a report that had not been waited for is answered."""
        await asyncio.wait_for(self._arrived.wait(), seconds)
        self._arrived.clear()

    async def take(self, request: web.Request) -> web.Response:
        if self.is_away:
            self._arrived.set()
            return web.Response(status=503)
        records: list[dict[str, Any]] = (await request.json())["records"]
        now = dt.datetime.now(dt.UTC).isoformat()
        body = {"received_at": now, "next_report_in_seconds": None, "resync": False}
        self._arrived.set()
        return web.json_response(body | {"records": [_receipt(record, now) for record in records]})

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a connection on, and count."""
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._port)
        with suppress(ConnectionError):
            await asyncio.gather(self._pass_on(reader, upstream_writer), self._pass_on(upstream_reader, writer))
        writer.close()
        upstream_writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.bytes += len(data)
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()

    @asynccontextmanager
    async def open(self, certificate: Path) -> AsyncGenerator[Wire]:
        """Listen for as long as the block lasts."""
        app = web.Application()
        app.router.add_post(REPORT_PATH, self.take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        self._port = runner.addresses[0][1]
        wire = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        self.url = f"https://127.0.0.1:{wire.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            wire.close()
            await runner.cleanup()


def make_certificate(folder: Path) -> Path:
    """Make a key and its certificate in one file, for a day."""
    file, key = folder / "certificate.pem", folder / "key.pem"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", *kind, *name, "-keyout", key, "-out", file]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text(encoding="ascii") + key.read_text(encoding="ascii"), encoding="ascii")
    return file


def _receipt(record: dict[str, Any], now: str) -> dict[str, Any]:
    moment = {"at": now, "source": "boot_clock"}
    components = [{"component": one["component"], "outcome": "extended"} for one in record["components"]]
    nothing_wrong: dict[str, Any] = {"problem": None, "errors": []}
    return nothing_wrong | {"first_observed": moment, "last_observed": moment, "components": components}
