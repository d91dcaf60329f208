"""Access tokens for the fleet, from the server's token endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp

from bench.errors import CannotMeasure
from bench.fleet import Device

TOKEN_PATH = "/v1/oauth/token"  # noqa: S105  a path
_AT_ONCE = 16


def fetch_tokens(url: str, fleet: Sequence[Device]) -> list[str]:
    """Exchange each device's key for a token.

    Raises:
        CannotMeasure: the server refuses.
    """
    return asyncio.run(_fetch_all(url, fleet))


async def _fetch_all(url: str, fleet: Sequence[Device]) -> list[str]:
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=_AT_ONCE)) as http:
        return await asyncio.gather(*(_fetch(http, device) for device in fleet))


async def _fetch(http: aiohttp.ClientSession, device: Device) -> str:
    form = {"grant_type": "client_credentials"}
    auth = aiohttp.BasicAuth(str(device.key_id), device.secret)
    async with http.post(TOKEN_PATH, data=form, auth=auth) as answer:
        if not answer.ok:
            raise CannotMeasure(f"POST {TOKEN_PATH} answers {answer.status}.")
        return (await answer.json())["access_token"]
