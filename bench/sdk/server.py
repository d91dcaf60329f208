"""A server that always gives the same answers, some milliseconds after each request: `python -m bench.sdk.server MS`.

It is a process of its own, so that the client's CPU time is the client's. It prints its port.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Generator
from contextlib import contextmanager

DEVICE = uuid.UUID(int=1)
#: of a page
DEVICES = 100
_MOMENT = "2026-05-03T12:00:00.000000Z"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


def receipt() -> bytes:
    """What the server says to a report."""
    said = {"component": "main", "version": "1.4.2", "observed_at": _MOMENT}
    return json.dumps(said | {"observed_at_source": "device", "outcome": "extended"}).encode()


def page() -> bytes:
    """A page of devices, the last one."""
    period = {"component": "main", "version": "1.4.2", "since": _MOMENT, "report_count": 7}
    period |= {"first_reported_at": _MOMENT, "last_reported_at": _MOMENT, "superseded_at": None}
    device = {"project_id": str(DEVICE), "labels": {"site": "berlin"}, "hardware_fingerprint": None}
    device |= {"created_at": _MOMENT, "last_reported_at": _MOMENT, "retired_at": None, "two_machines_since": None}
    device |= {"silent_since": None, "firmware": [period]}
    items = [{"id": str(uuid.UUID(int=number)), "name": f"pump-{number}"} | device for number in range(DEVICES)]
    said = {"items": items, "next_page_token": None, "as_of": _MOMENT, "labels_as_of": _MOMENT, "near_versions": []}
    return json.dumps(said).encode()


class _Protocol(asyncio.Protocol):
    delay = 0.0
    answers: tuple[bytes, bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._received = transport, bytearray()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        self._received.clear()
        answer = self.answers[head.startswith(b"GET")]
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self._transport.write, answer)
        else:
            self._transport.write(answer)


def _http(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@contextmanager
def running(delay_ms: float) -> Generator[str]:
    """Start one, and give its URL."""
    command = [sys.executable, "-m", "bench.sdk.server", str(delay_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


async def _serve(delay_ms: float) -> None:
    _Protocol.delay, _Protocol.answers = delay_ms / 1_000, (_http(receipt()), _http(page()))
    server = await asyncio.get_running_loop().create_server(_Protocol, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  who started it waits for that
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
