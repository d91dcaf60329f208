"""A gateway: reads what devices say, a JSON object a line, and reports it for them.

    {"device": "pump-1", "version": "1.4.2", "component": "main", "observed_at": "2026-05-03T12:00:00Z"}

`component` and `observed_at` may be missing. Settings: FIRMTRAIL_URL, and GATEWAY_KEYS, a file with the id and the API
key of each device: {"pump-1": {"id": "<device id>", "key": "<key id>:<secret>"}}. A key reports for its own device
alone: each device has a client, and all share one TLS context, which is what makes a client expensive.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import ssl
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from firmtrail import AsyncClient, FirmtrailError

#: reports that are on their way at a time
AT_ONCE = 16


class Gateway:
    """The devices that it knows, and a client for each that has spoken."""

    def __init__(self, keys: dict[str, dict[str, str]], stack: AsyncExitStack) -> None:
        self._keys = keys
        self._stack = stack
        self._tls = ssl.create_default_context()
        self._clients: dict[str, AsyncClient] = {}
        self._free = asyncio.Semaphore(AT_ONCE)

    async def report(self, line: str) -> bool:
        """Report one line; what cannot be reported is said on standard error, and stops nothing."""
        async with self._free:
            try:
                said: dict[str, Any] = json.loads(line)
                moment = dt.datetime.fromisoformat(said["observed_at"]) if "observed_at" in said else None
                client = await self._client(said["device"])
                await client.firmware.report(
                    self._keys[said["device"]]["id"],
                    said["version"],
                    component=said.get("component", "main"),
                    observed_at=moment,
                )
            except (ValueError, KeyError, TypeError, FirmtrailError) as error:
                print(f"not reported: {line.strip()}: {error!r}", file=sys.stderr)
                return False
        return True

    async def _client(self, device: str) -> AsyncClient:
        if device not in self._clients:
            client = AsyncClient(api_key=self._keys[device]["key"], auth="basic", ssl_context=self._tls)
            self._clients[device] = await self._stack.enter_async_context(client)
        return self._clients[device]


async def main(keys: dict[str, dict[str, str]]) -> int:
    async with AsyncExitStack() as stack:
        gateway = Gateway(keys, stack)
        done = await asyncio.gather(*(gateway.report(line) for line in sys.stdin if line.strip()))
    print(f"{sum(done)} of {len(done)} reported")
    return int(not all(done))


if __name__ == "__main__":
    file = Path(os.environ["GATEWAY_KEYS"])
    sys.exit(asyncio.run(main(json.loads(file.read_text(encoding="utf-8")))))
